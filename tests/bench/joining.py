"""Join many members by TCRP, a batch of connections at a time."""

import socket
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from chatproto import ClientTransaction, Feature, Operation, Request

_BATCH = 64
_TIMEOUT_SECONDS = 20.0


class Membership(NamedTuple):
    """A place in a room."""

    room: str
    token: str


def join_members(
    port: int, rooms: int, members_per_room: int,
    *, prefix: str = "bench", home_port: int | None = None, features: Iterable[Feature] = (),
) -> list[Membership]:  # fmt: skip
    """Create the rooms and fill them; returns the members room after room, all of whom ask for the same features.

    With ``home_port`` the rooms are created by another relay, and who did so isn't among the members.

    Raises:
        RefusedError: the relay says no.
        OSError: the relay is gone.

    """
    names = [f"{prefix}-{room}" for room in range(rooms)]
    asking = frozenset(features)
    hosts = _transact_all(home_port or port, Operation.CREATE, [(name, "user-0") for name in names], asking)
    wanted = [(name, f"user-{member}") for name in names for member in range(1, members_per_room)]
    guests = _transact_all(port, Operation.JOIN, wanted, asking)
    places = {name: place for place, name in enumerate(names)}
    return sorted([*([] if home_port else hosts), *guests], key=lambda member: places[member.room])


def _transact_all(
    port: int, operation: Operation, wanted: Sequence[tuple[str, str]], features: frozenset[Feature]
) -> list[Membership]:
    members: list[Membership] = []
    for start in range(0, len(wanted), _BATCH):
        members += _transact(port, operation, wanted[start : start + _BATCH], features)
    return members


def _transact(
    port: int, operation: Operation, wanted: Sequence[tuple[str, str]], features: frozenset[Feature]
) -> list[Membership]:
    """Send all requests of a batch, then read the answers: the relay has always some to work on."""
    with ExitStack() as stack:
        asked = []
        for room, user in wanted:
            request = Request(user, json_reply=True, plain=False, features=features)
            transaction = ClientTransaction(operation, room, request)
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS))
            connection.sendall(transaction.request)
            asked.append((room, transaction, connection))
        return [Membership(room, _read_token(transaction, connection)) for room, transaction, connection in asked]


def _read_token(transaction: ClientTransaction, connection: socket.socket) -> str:
    while data := connection.recv(4096):
        if completion := transaction.feed(data):
            return completion.token.decode()
    raise ConnectionError("the relay ended a connection before its answer")
