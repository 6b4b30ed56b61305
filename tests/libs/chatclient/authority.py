"""Who vouches for the relays that tests serve in their own process."""

import ssl
from pathlib import Path

import trustme

from chatproto.fingerprint import fingerprint_of


class Authority:
    """Somebody who vouches for relays, and the file that clients know it by."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = str(folder / "authority.pem")
        self.ca.cert_pem.write_to_path(self.file)

    def context(self, *names: str) -> ssl.SSLContext:
        """Make what a relay serves by."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.renew(context, *names)
        return context

    def renew(self, context: ssl.SSLContext, *names: str) -> str:
        """Put a new certificate in place; returns its fingerprint."""
        issued = self.ca.issue_cert(*(names or ("127.0.0.1",)))
        issued.configure_cert(context)
        return fingerprint_of(ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode()))
