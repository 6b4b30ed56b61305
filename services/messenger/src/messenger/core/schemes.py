"""What an invitation looks like, whole or not."""

from typing import Final

PLAIN_SCHEME: Final = "chat"
TLS_SCHEME: Final = "chats"
WEB_SCHEMES: Final = ("https", "http")
SENTENCE_ENDS: Final = ".,;:!?"


def is_invite(text: str) -> bool:
    """Tell whether a text means to be an invitation."""
    means = bare(text).lower()
    return means.startswith((f"{PLAIN_SCHEME}:", f"{TLS_SCHEME}:")) or (
        means.startswith(tuple(f"{scheme}:" for scheme in WEB_SCHEMES)) and "room=" in means.partition("#")[2]
    )


def is_link(text: str) -> bool:
    """Tell whether a text means to be an invitation even where it could be a room's name."""
    return "://" in text and is_invite(text)


def bare(text: str) -> str:
    """Return what is left without what stands around an address in a sentence."""
    return text.strip().lstrip("<\"'").rstrip(f">\"'{SENTENCE_ENDS}")
