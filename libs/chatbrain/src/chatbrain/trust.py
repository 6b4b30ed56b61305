"""By what a relay is trusted over TLS, and what it shows (TCP-12)."""

from dataclasses import dataclass

from chatbrain.errors import UnreachableError
from chatbrain.findings import Finding
from chatproto.fingerprint import parse_fingerprint


@dataclass(frozen=True, slots=True)
class Tls:
    """Join by TLS; by default an authority that the system trusts must vouch for the relay's host.

    Nothing is sent to a relay that doesn't prove itself, and there is no way back to plain.
    """

    fingerprint: str | None = None
    """The SHA-256 of the one certificate that is taken, whoever vouches for it or not."""
    ca_file: str | None = None
    """A file of authorities (PEM) to trust in place of the system's."""

    def __post_init__(self) -> None:
        """Bring the fingerprint into its usual form.

        Raises:
            ValueError: it is none.

        """
        if self.fingerprint is not None:
            object.__setattr__(self, "fingerprint", parse_fingerprint(self.fingerprint))


@dataclass(frozen=True, slots=True)
class Presented:
    """The certificate that a relay shows."""

    fingerprint: str
    doubt: Finding | None
    """Why no authority vouches for it; None if one does."""

    @property
    def tls(self) -> Tls:
        """By what to join whoever shows it: by the authority, or else by this certificate alone."""
        return Tls(fingerprint=self.fingerprint) if self.doubt else Tls()


Look = Presented | UnreachableError
"""The certificate that a relay shows, or why none was to be seen."""
