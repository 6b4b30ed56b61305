"""Whether a relay's certificate is to be trusted: by an authority, by what was trusted before, or by asking."""

from dataclasses import dataclass
from typing import Protocol

from chatbrain import Finding, Presented


class KnownServersError(Exception):
    """What was trusted before can't be read or written; ``str()`` is the sentence that says why."""


class TrustStore(Protocol):
    """Which certificate each relay is trusted by; both methods may raise `KnownServersError`."""

    @property
    def file(self) -> str:
        """Where a person finds what is written down; harmless to show."""
        ...

    def find(self, server: str) -> str | None:
        """Return a relay's fingerprint; None if it isn't known."""
        ...

    def remember(self, server: str, fingerprint: str) -> None:
        """Trust a relay by this fingerprint from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Stranger:
    """A relay that no authority vouches for and that was never trusted: a person has to decide."""

    server: str
    fingerprint: str
    doubt: Finding
    """Why no authority vouches for it."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A relay that shows another certificate than the one it was trusted by: nothing may be sent to it."""

    server: str
    trusted: str
    shown: str
    file: str
    """Where it stands what is trusted."""


def judge(server: str, shown: Presented, trust: TrustStore) -> Stranger | Changed | None:
    """Judge what a relay shows; None if it may be trusted, by an authority or because it was before.

    Raises:
        KnownServersError: what was trusted before can't be read.

    """
    trusted = trust.find(server)
    if shown.doubt is None or shown.fingerprint == trusted:
        return None
    if trusted is None:
        return Stranger(server, shown.fingerprint, shown.doubt)
    return Changed(server, trusted, shown.fingerprint, trust.file)
