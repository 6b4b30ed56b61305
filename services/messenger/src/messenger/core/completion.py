"""How a word that is half typed may go on: commands and names."""

from collections.abc import Iterable
from typing import Final

ALWAYS: Final = ("/help", "/leave", "/topic", "/who")
FOR_HOSTS: Final = ("/ban", "/host", "/kick", "/mute", "/password", "/unban", "/unmute")
ABOUT_PEOPLE: Final = ("/ban", "/host", "/kick", "/mute", "/unban", "/unmute")


def complete(text: str, names: Iterable[str], *, host: bool, obeys: bool) -> list[str]:
    """Return what the text up to the cursor may become, whole; none if there is nothing to complete.

    A slash at the beginning is completed to commands, which are the host's own only for a host, and where the relay
    obeys none only those that it needn't know. After one that is about somebody, and anywhere else, names are.
    """
    word, space, rest = text.partition(" ")
    if text.startswith("/") and not text.startswith("//"):
        if not space:
            return [f"{command} " for command in _commands(host=host, obeys=obeys) if command.startswith(word.lower())]
        if word.lower() in ABOUT_PEOPLE:
            return [f"{word} {name}" for name in _matching(rest, names)]
    before, at, begun = text.rpartition(" ")
    if not begun:
        return []
    ending = " " if at else ": "
    return [f"{before}{at}{name}{ending}" for name in _matching(begun.removeprefix("@"), names)]


def _commands(*, host: bool, obeys: bool) -> Iterable[str]:
    if not obeys:
        return ("/help", "/leave")
    return sorted((*ALWAYS, *FOR_HOSTS)) if host else ALWAYS


def _matching(begun: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.casefold().startswith(begun.casefold()) and name != begun)
