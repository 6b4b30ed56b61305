"""Where a person was lately, and as whom: a file of servers, rooms and names; never a password."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from messenger.core.entry import Entry
from messenger.store.files import write_private

MAX_RECENTS: Final = 30


@dataclass(frozen=True, slots=True)
class Recent:
    """A room or the lobby, where one was lately."""

    server: str
    """``HOST:PORT``."""
    room: str | None
    """None for the lobby."""
    name: str
    tls: bool = False


class Recents:
    """The file; it is read anew each time, for other windows write it too."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Sequence[Recent]:
        """Return them, the newest first; none if the file isn't there or can't be used."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError):  # what only spares typing isn't worth an error
            return []
        found = kept.get("recents") if isinstance(kept, dict) else None
        return [recent for value in found or () if (recent := _read(value))] if isinstance(found, list) else []

    def remember(self, entry: Entry) -> None:
        """Put one first.

        Raises:
            OSError: the file can't be written.

        """
        new = Recent(str(entry.server), entry.room, entry.name, entry.tls is not None)
        others = [recent for recent in self.read() if (recent.server, recent.room) != (new.server, new.room)]
        self._write([new, *others])

    def forget(self, recent: Recent) -> None:
        """Remove one.

        Raises:
            OSError: the file can't be written.

        """
        self._write(kept for kept in self.read() if kept != recent)

    def _write(self, recents: Iterable[Recent]) -> None:
        kept = {"recents": [asdict(recent) for recent in recents][:MAX_RECENTS]}
        write_private(self.path, json.dumps(kept, ensure_ascii=False, indent=1) + "\n")


def _read(value: Any) -> Recent | None:
    match value:
        case {"server": str(server), "room": str() | None as room, "name": str(name), "tls": bool(tls)}:
            return Recent(server, room, name, tls)
    return None
