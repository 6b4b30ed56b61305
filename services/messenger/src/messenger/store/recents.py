"""Where a person was lately, and as whom: a file of servers, rooms, names and bookmarks; never a password."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from chatbrain import Tls, Transport
from chatproto import sanitize
from chatproto.commands import REMOVE
from messenger.core.entry import Entry
from messenger.presentation.i18n import _
from messenger.presentation.wording import system_words
from messenger.store.files import read_json, write_private

MAX_RECENTS: Final = 30
"""Of those without a bookmark."""


class RecentsError(Exception):
    """The file can't be written; ``str()`` is the sentence that says why."""


@dataclass(frozen=True, slots=True)
class Recent:
    """A room or the lobby, where one was lately."""

    server: str
    """``HOST:PORT``."""
    room: str | None
    """None for the lobby."""
    name: str
    tls: bool = False
    transport: Transport | None = None
    """By what the chat is to travel, if the person said so."""
    bookmark: str = ""
    """What the person calls it; empty without a bookmark."""
    open: bool = False
    """Whether one was still there when the program ended."""

    @property
    def place(self) -> tuple[str, str | None]:
        """What there is one of in the file."""
        return self.server, self.room

    def entry(self, password: str = "") -> Entry:
        """Return what it takes to come in again.

        Raises:
            FormError: somebody else wrote the file.

        """
        tls = Tls() if self.tls else None
        return Entry.read(self.server, self.room, self.name, password=password, tls=tls, transport=self.transport)


class Recents:
    """The file; it is read anew each time, for other windows write it too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.flaw = ""
        """The sentence that says that the file was damaged, once it was found to be."""

    def read(self) -> Sequence[Recent]:
        """Return them, the newest first; none if the file isn't there or can't be used. A damaged one is put aside."""
        try:
            return self._read_again()
        except OSError:  # what only spares typing isn't worth an error
            return []

    def _read_again(self) -> Sequence[Recent]:
        """Do the same to write them again: a file that can't be read now may have bookmarks.

        Raises:
            OSError: the file is there and can't be read.

        """
        try:
            kept = read_json(self.path)
        except FileNotFoundError:
            return []
        except ValueError:
            kept = None
        found = kept.get("recents") if isinstance(kept, dict) else None
        if not isinstance(found, list):
            self._put_aside()
            return []
        return [recent for value in found if (recent := _read(value))]

    def offered(self) -> list[Recent]:
        """Return them as a person wants them: the bookmarks by their names, then the others, the newest first."""
        return sorted(self.read(), key=lambda recent: (not recent.bookmark, recent.bookmark.casefold()))

    def remember(self, entry: Entry) -> None:
        """Put one first; its bookmark stays.

        Raises:
            OSError: the file can't be written.

        """
        self._put(_recent(entry))

    def recall(self, entry: Entry) -> Entry:
        """Return an entry with the transport that the person chose for its place before, if it has none."""
        place = _recent(entry).place
        chosen = next((recent.transport for recent in self.read() if recent.place == place), None)
        return replace(entry, transport=entry.transport or chosen)

    def forget(self, recent: Recent) -> None:
        """Remove one.

        Raises:
            OSError: the file can't be written.

        """
        self._write(kept for kept in self._read_again() if kept.place != recent.place)

    def bookmark(self, entry: Entry, wish: str) -> str:
        """Give a place a name of the person's own, without a wish the room's; by ``-`` take it away.

        Returns: the sentence that says what was done.

        Raises:
            RecentsError: the file can't be written.

        """
        name = "" if wish == REMOVE else wish or entry.room or _("Lobby")
        try:
            self._put(replace(_recent(entry), bookmark=name), rename=True)
        except OSError as error:
            form = _("The bookmark can't be saved ({reason}).")
            raise RecentsError(form.format(reason=system_words(error))) from None
        return _("Bookmarked as {name}.").format(name=sanitize(name)) if name else _("The bookmark is removed.")

    def bookmark_of(self, entry: Entry) -> str:
        """Return what the person calls a place; empty without a bookmark."""
        place = _recent(entry).place
        return next((recent.bookmark for recent in self.read() if recent.place == place), "")

    def keep_open(self, entries: Iterable[Entry]) -> None:
        """Note where one is while the program ends; what only spares typing isn't worth an error."""
        places = {_recent(entry).place for entry in entries}
        with suppress(OSError):
            self._write(replace(recent, open=recent.place in places) for recent in self._read_again())

    def take_open(self) -> list[Recent]:
        """Return where one was when the program ended, and forget that, so that no other window comes in as well."""
        recents = self.read()
        opened = [recent for recent in recents if recent.open]
        if opened:
            self.keep_open(())
        return opened

    def _put(self, new: Recent, *, rename: bool = False) -> None:
        recents = self._read_again()
        known = next((recent for recent in recents if recent.place == new.place), new)
        others = [recent for recent in recents if recent.place != new.place]
        new = replace(new, transport=new.transport or known.transport)
        self._write([new if rename else replace(new, bookmark=known.bookmark), *others])

    def _write(self, recents: Iterable[Recent]) -> None:
        kept, unnamed = [], 0
        for recent in recents:
            unnamed += not recent.bookmark
            if recent.bookmark or unnamed <= MAX_RECENTS:
                kept.append(asdict(recent))
        write_private(self.path, json.dumps({"recents": kept}, ensure_ascii=False, indent=1) + "\n")

    def _put_aside(self) -> None:
        """Keep a damaged file for who wants to mend it: it may have bookmarks."""
        aside = self.path.with_name(f"{self.path.name}.damaged")
        with suppress(OSError):
            self.path.replace(aside)
            form = _("The list of recent rooms is damaged: it was moved to {file}, and a new one begun.")
            self.flaw = form.format(file=sanitize(str(aside)))


def _recent(entry: Entry) -> Recent:
    return Recent(str(entry.server), entry.room, entry.name, entry.tls is not None, entry.transport)


def _read(value: Any) -> Recent | None:
    match value:
        case {"server": str(server), "room": str() | None as room, "name": str(name), "tls": bool(tls)}:
            transport = Transport(value["transport"]) if value.get("transport") in [*Transport] else None
            return Recent(server, room, name, tls, transport, str(value.get("bookmark", "")), value.get("open") is True)
    return None
