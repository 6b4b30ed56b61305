"""Operators' commands in JSON, among people who come and go: each is done or refused in one sentence."""

import json
from typing import Final

from pydantic import ValidationError

from chatproto import ProtocolError
from fuzz.bites import Bites, piece
from relay_server.core.lobby import Lobby
from relay_server.net.address import locate
from relay_server.operator.commands import OperatorError, Operators
from services.relay_server.core.rooms_case import Case, new_nonces

BODIES: Final = (
    *(b'{"room": "demo"}', b"{}", b'{"room": "nowhere"}', b'{"room": "demo", "name": "bob"}'),
    *(b'{"room": "demo", "name": "ann"}', b'{"room": "\\ud800", "name": "\\udfff"}', b'{"seconds": 1}'),
    *(b'{"room": "demo", "name": ""}', b'{"room": "demo", "name": "a: b"}', b'{"at_once": true, "seconds": NaN}'),
)
MAX_STEPS: Final = 30

SEEDS: Final = (
    b"\0\0\1\0\1\0\2\0\4\3\2\0\5\4\2\0\6\4",
    b"\0\5\3\0\2\0\0\3\4\0\1\0\0\7\6\1\0",
    b"\0\6\xff" + piece(b'{"room": "demo", "name": "b\xff"}') + b"\0\5\xff" + piece(b'{"room": 1}'),
)
WORDS: Final = (b'"room"', b'"name"', b'"seconds"', b'"at_once"', b'"demo"', b"null", b"1e400", b"\\u0000", b"\\ud800")


class World:
    """A room with ann (the host), bob and eve, and an operator."""

    def __init__(self, bites: Bites) -> None:
        self._bites = bites
        self._case = Case()
        self._members = list(self._case.trio())
        self._now = 1.0
        self._stops = 0
        self._operators = Operators(
            self._case.registry,
            Lobby(self._case.policy, lambda _: None, new_nonces(), locate),
            lambda: self._now,
            flush=self._case.registry.outbox.clear,
            stop=self._stop,
        )

    def step(self) -> None:
        """Let the operator say something, or somebody else."""
        self._bites.pick((self._command, self._join, self._leave))()
        self._operators.check_drain(self._now)
        self._now += 1.0
        self._case.registry.outbox.clear()
        self._case.assert_all_is_counted()

    def _stop(self) -> None:
        self._stops += 1

    def _command(self) -> None:
        command = self._operators.commands[self._bites.pick(sorted(self._operators.commands))]
        number = self._bites.byte()
        body = BODIES[number] if number < len(BODIES) else self._bites.piece()
        try:
            rows = list(command.carry_out(command.arguments.model_validate_json(body)))
        except ValidationError:
            return
        except OperatorError as error:
            said = str(error)
        else:
            json.dumps(rows, allow_nan=False)
            return
        assert said.endswith("."), said

    def _join(self) -> None:
        try:
            self._members.append(self._case.join(f"guest {len(self._members)}", now=self._now))
        except ProtocolError as error:
            refused = error
        else:
            assert not self._operators.draining
            return
        assert str(refused)

    def _leave(self) -> None:
        self._case.registry.leave(self._bites.pick(self._members), self._now)


def check(data: bytes) -> None:
    bites = Bites(data)
    world = World(bites)
    for _ in range(MAX_STEPS):
        if not bites:
            break
        world.step()
