"""Nodes of a cluster without sockets: each is a control, in a town whose directory is a dictionary."""

from dataclasses import replace
from typing import Any

from chatproto import Operation, ProtocolError
from chatproto.payloads import decode_status
from relay_server.answers import Consulting, Granted, Pending
from relay_server.asked import Peer
from relay_server.core.address import parse_ip
from services.relay_server.test_control import ANN, BOB, ControlCase, finish, frame_of
from services.relay_server.town import Town, TownPlaces

ALL = ["resume", "follow", "receipts", "notices"]
EDGE = replace(BOB, via=parse_ip("10.9.9.9"), port=0, udp_port=9801)


class NodeCase(ControlCase):
    """A node of a town."""

    def __init__(self, town: Town, name: str, *, fingerprint: str = "", **more: Any) -> None:
        def make_places(registry: Any) -> TownPlaces:
            self.places = TownPlaces(town, name, registry, fingerprint=fingerprint)
            return self.places

        super().__init__(make_places=make_places, **more)

    def consult(self, *arguments: Any, **named: Any) -> Consulting:
        consulting = self.begin(*arguments, **named)
        assert isinstance(consulting, Consulting), consulting
        return consulting

    def settle(self, answer: Any) -> Any:
        """Do all that comes before the answer, and tell it: what was granted or carried, or the refusal's status."""
        while isinstance(answer, Pending | Consulting):
            answer = finish(answer) if isinstance(answer, Pending) else self.go_on(answer)
        return decode_status(frame_of(answer).payload)[0] if isinstance(answer, bytes) else answer

    def answer_of(self, consulting: Consulting) -> ProtocolError | None:
        """Ask the directory, and return what it answers later."""
        told: list[ProtocolError | None] = []
        consulting.ask(told.append)
        assert not told
        self.places.answer()
        (answer,) = told
        return answer

    def go_on(self, consulting: Consulting) -> Any:
        return consulting.finish(self.answer_of(consulting), 0.0)

    def enter(self, operation: Operation, name: str, peer: Peer = ANN, **more: Any) -> Any:
        return self.settle(self.begin(operation, request(name, **more), peer))

    def create(self, name: str = "ann", peer: Peer = ANN, **more: Any) -> Any:
        return self.enter(Operation.CREATE, name, peer, **more)

    def join(self, name: str = "bob", peer: Peer = BOB, **more: Any) -> Any:
        return self.enter(Operation.JOIN, name, peer, **more)


def request(name: str, *, features: list[str] = ALL, **more: Any) -> dict[str, Any]:
    return {"username": name, "reply": "json", "features": features, **more}


def pair(**more: Any) -> tuple[Town, NodeCase, NodeCase]:
    """Make two nodes; ann created demo at the first."""
    town = Town()
    one, two = NodeCase(town, "one", **more), NodeCase(town, "two", **more)
    assert isinstance(one.create(), Granted)
    return town, one, two
