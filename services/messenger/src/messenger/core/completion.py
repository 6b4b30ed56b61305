"""How a word that is half typed may go on: commands and names."""

from collections.abc import Iterable
from typing import Final

from chatproto import COMMANDS
from chatproto.commands import Argument

WITHOUT_RELAY: Final = ("/help", "/leave")
ALWAYS: Final = (*WITHOUT_RELAY, *(f"/{spec.word}" for spec in COMMANDS.values() if not spec.needs_host("")))
ALL: Final = (*WITHOUT_RELAY, *(f"/{word}" for word in COMMANDS))
ABOUT_PEOPLE: Final = tuple(f"/{spec.word}" for spec in COMMANDS.values() if spec.argument is Argument.NAME)


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
        return WITHOUT_RELAY
    return sorted(ALL if host else ALWAYS)


def _matching(begun: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.casefold().startswith(begun.casefold()) and name != begun)
