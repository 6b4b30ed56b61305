"""The rooms of a relay, as a table or for programs (LIST-01)."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from chatbrain import Tls
from chatclient import list_rooms
from chatproto import ListedRoom, Refusal, RefusalCode, RefusedError, Status
from messenger.cli.help_texts import columns
from messenger.cli.platforms import run
from messenger.cli.trust import settle_trust
from messenger.presentation.i18n import _
from messenger.presentation.state import access_to
from messenger.presentation.wording import refusal

_MAX_COLUMNS = 40
"""A longer name makes its own line longer, and no other."""


def show_rooms(server: str, given: Tls | None, *, as_json: bool) -> int:
    """Print the rooms of a relay; returns the exit code: 1 if it says no, 2 if it lists none.

    Raises:
        UntrustedServerError: it isn't trusted, so it wasn't asked.
        UnreachableError: nobody answers there.
        KnownServersError: the file of known servers can't be used.

    """
    tls = settle_trust(server, given) if given else None
    try:
        rooms = run(list_rooms(server=server, tls=tls))
    except RefusedError as error:
        lists_none = error.status is Status.NOT_SUPPORTED
        why = Refusal(error.status, RefusalCode.NO_LIST) if lists_none and not error.refusal.code else error.refusal
        print("chat:", refusal(why).line, file=sys.stderr)
        return 2 if lists_none else 1
    if as_json:
        print(json.dumps([asdict(room) for room in rooms], indent=2))
    elif rooms:
        print(*_table(rooms), sep="\n")
    else:
        print("chat:", _("No rooms are open."), file=sys.stderr)
    return 0


def _table(rooms: Sequence[ListedRoom]) -> Iterator[str]:
    head = (_("Room"), _("Members"), _("Access"), _("Topic"))
    rows = [head, *((room.name, str(room.members), ", ".join(access_to(room)), room.topic) for room in rooms)]
    widths = [min(_MAX_COLUMNS, max(columns(row[column]) for row in rows)) for column in range(3)]
    for name, members, access, topic in rows:
        left = (_pad(name, widths[0]), " " * (widths[1] - columns(members)) + members, _pad(access, widths[2]), topic)
        yield "  ".join(left).rstrip()


def _pad(text: str, width: int) -> str:
    return text + " " * (width - columns(text))
