"""A relay whose web port lacks one guard; see `faults.weakened`, which has the others."""

from types import SimpleNamespace
from typing import Any

import h11

from faults.weakening import replace
from relay_server.core.room_list import RoomList
from relay_server.web import visit, websocket
from relay_server.web.callers import Callers


def take_every_page_for_own() -> None:
    """Let pages of all sites chat, as if browsers didn't say whose page it is."""
    replace(Callers, "may_chat", lambda *_, **__: True)


def take_anybody_for_a_proxy() -> None:
    """Believe whoever says for whom it speaks."""
    replace(Callers, "_trusts", lambda *_: True)


def let_http_errors_out() -> None:
    """Read requests as if each were one."""
    replace(visit, "h11", SimpleNamespace(**vars(h11) | {"RemoteProtocolError": ()}))


def take_messages_of_any_length() -> None:
    """Put a message together however long it becomes."""
    replace(websocket, "MAX_LINE_BYTES", None)
    replace(websocket, "MAX_IDLE_FRAMES", 1 << 30)


def list_hidden_rooms() -> None:
    """List all rooms, whatever the operator wants to be hidden."""
    begin: Any = RoomList.__init__
    replace(RoomList, "__init__", lambda this, rooms, **_: begin(this, rooms, hides=False))
