"""A room's brain, and what a relay and a network would do to it."""

from dataclasses import replace
from itertools import count
from math import inf
from typing import Any

from chatbrain import (
    OpenStream,
    RejoinPolicy,
    RoomBrain,
    SendDatagram,
    SendStream,
    Stage,
    Transport,
)
from chatbrain.events import Event
from chatbrain.sealed import Seal
from chatproto import (
    Completion,
    ElsewhereError,
    Feature,
    Operation,
    ProtocolError,
    Request,
    Server,
    ServerTransaction,
    Status,
    parse_datagram,
)
from chatproto.stream import LineDecoder, ToRelay, parse_to_relay

NOTICES = frozenset({Feature.NOTICES})
GRANT = Completion(b"token", host=False, udp_port=9001, silence_timeout_seconds=300.0, max_message_bytes=50)
HOST_GRANT = Completion(b"hosts", host=True, udp_port=9001, silence_timeout_seconds=300.0, max_message_bytes=50)


RECEIPTS = frozenset({Feature.NOTICES, Feature.RECEIPTS})
RECEIPT_GRANT = replace(GRANT, moderation=True, features=RECEIPTS)


class _RefusalError(ProtocolError):
    def __init__(self, status: Status) -> None:
        self.status = status  # type: ignore[misc]  # one class for all of them
        super().__init__(status.message)


class Case:
    """A brain, and what a relay and a network would do to it."""

    def __init__(
        self,
        operation: Operation = Operation.JOIN,
        password: str | None = None,
        *,
        receipts: bool = False,
        resumes: bool = False,
        transport: Transport = Transport.UDP,
        encrypted: bool = False,
        seal: Seal | None = None,
        **rejoin: Any,
    ) -> None:
        attempts = count(1)
        self.brain = RoomBrain(
            operation,
            "demo",
            "ann",
            server="relay:9000",
            password=password,
            random=lambda: 1.0,
            rejoin=RejoinPolicy(**rejoin),
            receipts=receipts,
            new_nonce=(lambda: f"attempt {next(attempts):08}") if resumes else None,
            transport=transport,
            encrypted=encrypted,
            seal=seal,
        )
        self.requests: list[tuple[Operation, str, Request]] = []

    def start(self) -> None:
        self.brain.start(0.0)
        assert self.brain.take_actions() == [OpenStream()]

    def answer(
        self, now: float, verdict: Completion | Status | Server | None, address: str = "10.0.0.1", *, rest: bytes = b""
    ) -> None:
        """Let TCP connect and the relay answer, by a server to join where one is sent there, or by none.

        ``rest`` comes in the same piece.
        """
        self.brain.connected(address)
        (sent,) = [action for action in self.brain.take_actions() if isinstance(action, SendStream)]
        relay = ServerTransaction()
        request = relay.feed(sent.data)
        assert request
        self.requests.append(request)
        if isinstance(verdict, Completion):
            reply = relay.accept() + relay.complete(verdict) + rest
        elif isinstance(verdict, Status):
            reply = relay.refuse(_RefusalError(verdict))
        else:
            reply = relay.refuse(ElsewhereError(verdict) if verdict else _RefusalError(Status.ELSEWHERE))
        self.brain.receive_stream(reply, now)

    def join(self, grant: Completion = GRANT) -> None:
        self.start()
        self.answer(0.0, grant)
        self.flush()

    def at(self, stage: Stage) -> bool:
        return self.brain.stage is stage

    def flush(self) -> list[Event]:
        self.brain.take_actions()
        return self.brain.take_events()

    def opened(self) -> list[OpenStream]:
        """Return where connections were wanted since the last time."""
        return [action for action in self.brain.take_actions() if isinstance(action, OpenStream)]

    def until(self, stage: Stage) -> float:
        """Let time pass until the brain enters a stage; returns when."""
        while self.brain.stage is not stage:
            now = self.brain.next_deadline()
            assert now < inf, f"waits for ever in {self.brain.stage}"
            self.brain.tick(now)
        return now

    def hear(self, now: float, *lines: bytes) -> list[Event]:
        """Let lines of a stream come; returns what happened."""
        self.brain.receive_stream(b"".join(lines), now)
        return self.brain.take_events()

    def sent_lines(self) -> list[ToRelay]:
        sent = b"".join(action.data for action in self.brain.take_actions() if isinstance(action, SendStream))
        return [parse_to_relay(line) for line in LineDecoder().feed(sent)]

    def sent_messages(self) -> list[bytes]:
        datagrams = [action.data for action in self.brain.take_actions() if isinstance(action, SendDatagram)]
        return [parsed[2] for parsed in map(parse_datagram, datagrams) if parsed]


def hosting(password: str | None = None) -> Case:
    case = Case(Operation.CREATE, password)
    case.join(HOST_GRANT)
    return case


def joined(**rejoin: Any) -> Case:
    case = Case(**rejoin)
    case.join()
    return case


def verifying(case: Case) -> float:
    now = case.until(Stage.VERIFYING)
    case.flush()
    return now
