"""Whether a relay's certificate is to be trusted: by an authority, by what was trusted before, or by asking."""

from dataclasses import dataclass

from chatbrain import Finding, Presented


class KnownServersError(Exception):
    """What was trusted before can't be read or written; ``str()`` is the sentence that says why."""


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


def judge(server: str, shown: Presented, trusted: str | None) -> Stranger | Changed | None:
    """Judge what a relay shows; None if it may be trusted, by an authority or because it was before."""
    if shown.doubt is None:
        return None
    if trusted is None:
        return Stranger(server, shown.fingerprint, shown.doubt)
    return Changed(server, trusted, shown.fingerprint) if trusted != shown.fingerprint else None
