"""Requests over many connections at once, in pieces, with work under way (TCP-03 to TCP-11, PWD-02, ROOM-05, RES-01).

Every connection ends in a place or in one refusal that a client can read; who is in can be let go again; nobody
knows a room's password who didn't give it; and the registry keeps no trace of who is gone.
"""

from typing import Any, Final

from chatproto import Feature, MalformedError, Operation, Phase, ServerTransaction, Status, encode_frame
from chatproto.payloads import decode_status
from chatproto.tcrp import Frame, FrameDecoder
from fuzz.bites import Bites, piece
from relay_server.answers import Answer, Granted, Pending, Waiting
from relay_server.asked import Peer
from relay_server.control import Control
from relay_server.core.address import parse_ip
from relay_server.core.errors import WrongPasswordError
from relay_server.core.guesses import Guesses
from relay_server.net.address import make_address
from relay_server.passwords import Passwords
from services.relay_server.core.rooms_case import Case

POLICIES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"max_rooms": 2, "max_members": 5, "max_members_per_room": 3},
    {"max_rooms_per_address": 1, "max_members_per_address": 2, "join_rate": 1.0},
    {"host_grace_seconds": 5.0, "provisional_address": False},
)
PEERS: Final = tuple(Peer(parse_ip(ip), 40_000) for ip in ("10.0.0.1", "10.0.0.2", "2001:db8::1"))
PAYLOADS: Final = (
    *(b"ann", b"bob", b"Ann", b"server", b'"cem"'),
    *(
        b'{"username": "ann", "reply": "json", "features": ["resume"], "attempt": "attempt %d of ann"}' % n
        for n in (1, 2)
    ),
    *(b'{"username": "bob", "reply": "json", "features": ["resume"], "resume": "token-%d"}' % n for n in range(2, 8)),
    *(b'{"username": "ann", "password": "pw"}', b'{"username": "bob", "password": "no", "reply": "json"}'),
    *(
        b'{"username": "%b", "reply": "json", "features": ["sealed"], "sealed": true}' % name
        for name in (b"ann", b"bob")
    ),
)
ROOMS: Final = (b"lab", b"demo")
PAUSES: Final = (0.0, 0.5, 6.0, 61.0, 301.0)
MAX_STEPS: Final = 30

_CREATE = encode_frame(Frame(1, 0, b"lab", PAYLOADS[13]))
SEEDS: Final = (
    b"\0\0\0\0\0\1\1\0\0\1\2\0\0\0\0\0\1\1\0\0",
    b"\0\0\0\0\0\5\0\3\0\0\0\1\6\0\0\3\0\0\0\1\5\0\3\0",
    b"\0\1\0" + piece(_CREATE[:20]) + b"\0\2\0" + piece(_CREATE[20:]) + b"\3\0\4\0",
    b"\1\1\1" + piece(b"\xff" * 40) + b"\4\0\5\0",
)
WORDS: Final = (b"username", b"password", b"reply", b"json", b'{"', b'": "', b"\x03\x01\0", b"\0\0\0\x03lab")


class CheapPasswords(Passwords):
    """Work on passwords that takes no time; what it decides is the same."""

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def check(self, password: str, password_hash: str) -> str:
        if password_hash != self.hash(password):
            raise WrongPasswordError
        return password_hash


class Caller:
    """One connection, and what has become of it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.transaction = ServerTransaction(256)
        self.result: Answer | None = None


class World:
    """A control and its callers."""

    def __init__(self, bites: Bites) -> None:
        self._bites = bites
        self._case = Case(**bites.pick(POLICIES))
        self._statuses: list[Status] = []
        self._answered = 0
        self._now = 1.0
        self._control = Control(
            self._case.registry,
            passwords=CheapPasswords(),
            guesses=Guesses(2),
            make_address=make_address,
            hide_rooms=bool(bites.byte() % 2),
            new_token=self._case.new_token,
            on_transaction=lambda _, status: self._statuses.append(status),
            udp_port=9001,
            silence_timeout_seconds=300.0,
            attribution=True,
            moderation=True,
        )
        self._callers = [Caller(PEERS[0])]

    def step(self) -> None:
        """Do one thing, and check what has to be true after it."""
        actions = (self._ask, self._send, self._wait, self._work, self._time_out, self._leave)
        self._bites.pick(actions)()
        self._case.registry.expire(self._now)
        self._case.registry.outbox.clear()
        self._case.assert_all_is_counted()
        assert len(self._statuses) == self._answered, "a transaction has one answer"

    def _ask(self) -> None:
        """Send a whole request at once."""
        caller = Caller(self._bites.pick(PEERS))
        operation, room, payload = self._bites.pick((*Operation,)), self._bites.pick(ROOMS), self._bites.pick(PAYLOADS)
        self._callers.append(caller)
        self._receive(caller, encode_frame(Frame(operation, 0, room, payload)))

    def _send(self) -> None:
        """Send anything, over a connection that is there or a new one."""
        if self._bites.byte() % 2:
            self._callers.append(Caller(self._bites.pick(PEERS)))
        self._receive(self._bites.pick(self._callers[::-1]), self._bites.piece())

    def _receive(self, caller: Caller, data: bytes) -> None:
        if caller.transaction.phase is not Phase.REQUESTING:
            caller.transaction.feed(data)  # as net.tcp does
            return
        result = self._control.receive(caller.transaction, data, caller.peer, self._now)
        if result is not None:
            self._take(caller, result)

    def _take(self, caller: Caller, result: Answer) -> None:
        caller.result = result
        if isinstance(result, Granted):
            self._answered += 1
            caller.transaction.accept()
            caller.transaction.complete(result.completion)
            port = caller.transaction.client_port
            if port is not None:
                self._control.set_client_port(result, port, caller.peer)
            assert self._case.knows(result.member)
            assert result.completion.sealed <= (Feature.SEALED in result.completion.features), "it can't be there"
        elif isinstance(result, bytes):
            self._answered += 1
            assert status_of(result) == self._statuses[-1] is not Status.OK
            assert caller.transaction.phase is Phase.ENDED

    def _wait(self) -> None:
        self._now += self._bites.pick(PAUSES)

    def _work(self) -> None:
        """Let the work on a password or the wait for a seat end, whatever has become of the room meanwhile."""
        caller = self._bites.pick(self._callers[::-1])
        if caller.transaction.phase is not Phase.DECIDING:
            return
        if isinstance(caller.result, Pending):
            self._take(caller, caller.result.finish(caller.result.work, self._now))
        elif isinstance(caller.result, Waiting):
            self._now = max(self._now, caller.result.until)
            self._take(caller, caller.result.finish(self._now))

    def _time_out(self) -> None:
        caller = self._bites.pick(self._callers[::-1])
        if caller.transaction.phase in {Phase.REQUESTING, Phase.DECIDING}:
            self._take(caller, self._control.refuse(caller.transaction, MalformedError("Too late.")))

    def _leave(self) -> None:
        caller = self._bites.pick(self._callers[::-1])
        if isinstance(caller.result, Granted):
            self._control.undo(caller.result, self._now)
            session = caller.result.session
            alive = session.token in self._case.registry.sessions_by_token
            assert not alive or caller.result.keeps


def status_of(answer: bytes) -> Status:
    decoder = FrameDecoder(4096)
    decoder.feed(answer)
    frame = decoder.next_frame()
    assert frame
    assert frame.state == 1
    assert decoder.take_rest() == b""
    return decode_status(frame.payload)[0]


def check(data: bytes) -> None:
    bites = Bites(data)
    world = World(bites)
    for _ in range(MAX_STEPS):
        if not bites:
            break
        world.step()
