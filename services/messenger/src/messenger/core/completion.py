"""How a word that is half typed may go on: commands and names."""

from collections.abc import Callable, Iterable
from typing import Final
from unicodedata import normalize

from chatproto import COMMANDS, Command
from chatproto.commands import Argument
from messenger.core.commands import OWN

ABOUT_PEOPLE: Final = (
    "/ignore",
    "/unignore",
    *(f"/{spec.word}" for spec in COMMANDS.values() if spec.argument is Argument.NAME),
)


def complete(text: str, names: Iterable[str], may: Callable[[Command], bool]) -> list[str]:
    """Return what the text up to the cursor may become, whole; none if there is nothing to complete.

    A slash at the beginning is completed to commands: the program's own, and those that one ``may`` give the relay.
    After a command about somebody, and anywhere else, names are completed.
    """
    word, space, rest = text.partition(" ")
    if text.startswith("/") and not text.startswith("//"):
        if not space:
            commands = [*OWN, *(f"/{command}" for command in COMMANDS if may(command))]
            return [f"{command} " for command in sorted(commands) if command.startswith(word.lower())]
        if word.lower() in ABOUT_PEOPLE:
            return [f"{word} {name}" for name in _matching(rest, names)]
    before, at, begun = text.rpartition(" ")
    if not begun:
        return []
    ending = " " if at else ": "
    return [f"{before}{at}{name}{ending}" for name in _matching(begun.removeprefix("@"), names)]


def _matching(begun: str, names: Iterable[str]) -> list[str]:
    begun = normalize("NFC", begun)
    wanted = begun.casefold()
    return sorted(name for name in names if normalize("NFC", name).casefold().startswith(wanted) and name != begun)
