"""How a relay proves over TLS that it is the one that is meant (TCP-12)."""

import os
import ssl
from collections.abc import Callable
from typing import Final

from chatbrain import BadAuthoritiesError, Ended, Fault, Finding, ServerAddress, Tls, TlsFailedError, UntrustedError
from chatclient.explaining import explain, explain_tls
from chatproto.fingerprint import fingerprint_of
from chatproto.tls import TlsEnd

_AUTHORITIES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep whom they trust: a Python that was built on another one, as in a bundle, looks elsewhere."""


def make_context(tls: Tls) -> ssl.SSLContext:
    """Make what connections need; reads files, so once is enough.

    Raises:
        BadAuthoritiesError: ``ca_file`` can't be used.

    """
    if tls.fingerprint is not None:
        return trusting_context()
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except (OSError, ValueError) as error:
        junk = Finding(Fault.NO_PEM, "no certificate in PEM form")
        finding = junk if isinstance(error, ssl.SSLError) else explain(error)
        raise BadAuthoritiesError(tls.ca_file or "", finding) from None
    if not tls.ca_file and not any(ssl.get_default_verify_paths()[:2]):
        for file in filter(os.path.exists, _AUTHORITIES):
            context.load_verify_locations(file)
    return context


def trusting_context() -> ssl.SSLContext:
    """Trust anybody for now: what is shown is compared afterwards."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def secure_by(tls: Tls | None) -> Callable[[ServerAddress, str], "SecureStream"] | None:
    """Return what makes the TLS of each connection, to a server and by its fingerprint; None if they are to be plain.

    Without a fingerprint ``tls`` decides: who is told of a server inside TLS is told by what to trust it (CLU-01).

    Raises:
        BadAuthoritiesError: the file of authorities can't be used.

    """
    if tls is None:
        return None
    context = make_context(tls)

    def secure(server: ServerAddress, fingerprint: str) -> SecureStream:
        if fingerprint:
            return SecureStream(Tls(fingerprint=fingerprint), trusting_context(), server)
        return SecureStream(tls, context, server)

    return secure


class SecureStream(TlsEnd):
    """The client's end of one TLS connection: what comes out of it comes from the relay that is meant."""

    def __init__(self, tls: Tls, context: ssl.SSLContext, server: ServerAddress) -> None:
        """Begin.

        Raises:
            TlsFailedError: the server's name can't be a host's.

        """
        try:
            super().__init__(context, server_side=False, server_name=server.host)
        except ValueError as error:
            raise TlsFailedError(explain(error)) from None
        self._expected = tls.fingerprint
        self._server = server
        self._proven = False

    @property
    def proven(self) -> bool:
        """Whether the relay is the one that is meant: until then nothing may be written."""
        return self._proven

    @property
    def fingerprint(self) -> str:
        """What the relay shows, once it is proven."""
        return fingerprint_of(self.certificate())

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the wire, none to begin with; returns bytes of the stream.

        Raises:
            UntrustedError: the relay isn't the one that is meant.
            TlsFailedError: it speaks no TLS, or none that this client does.

        """
        try:
            stream = super().feed(data)
        except ssl.SSLCertVerificationError as error:
            raise UntrustedError(Ended.untrusted(self._server, explain_tls(error))) from None
        except ssl.SSLError as error:
            raise TlsFailedError(explain_tls(error)) from None
        if self.ready and not self._proven:
            if self._expected not in {None, self.fingerprint}:
                finding = Finding(Fault.OTHER_CERTIFICATE, f"SHA-256 {self.fingerprint}")
                raise UntrustedError(Ended.untrusted(self._server, finding))
            self._proven = True
        return stream
