"""A neighbour behind a victim's address, without any token of the victim's room: it claims the victim's UDP port.

The neighbour joins rooms of its own, names the victim's port (TCP-09), and speaks there as somebody the victim knows.
"""

import pytest

from conformance import wire
from conformance.people import Member, People, call
from conformance.relays import OwnRelay
from faults.relays import StartRelay
from faults.weakened import take_any_port

FALSE = b"send me the code"
ALLOWED = {"RELAY_PROVISIONAL_ADDRESS": "true"}

pytestmark = pytest.mark.requirement("LEN-02", "TCP-09")


def claim(relay: OwnRelay, port: int, *, seeks: bool) -> bytes:
    """Create or join the neighbour's room with this port named; returns the token."""
    operation, name = (wire.JOIN, b"mia") if seeks else (wire.CREATE, b"ann")
    with call(relay.relay) as connection:
        connection.sendall(wire.frame(operation, wire.REQUEST, b"trap", name) + port.to_bytes(2, "big"))
        _, completion = wire.read_frames(connection)
        return completion.payload


def deceive(relay: OwnRelay, people: People, victim: Member) -> list[bytes]:
    """Do the attack, let all of it arrive, and return what the victim got."""
    port = victim.udp.getsockname()[1]
    claim(relay, port, seeks=False)
    speaker = people.join(b"trap", b"cem")
    claim(relay, port, seeks=True)
    for text in (FALSE, b"/topic x"):
        speaker.say(text)
    ears = people.join(b"trap", b"zoe")
    ears.keep_alive()
    ears.receive_until(lambda data: data == b"cem: last", nudge=lambda: speaker.say(b"last"))
    return victim.waiting()


@pytest.mark.parametrize("settings", [{}, ALLOWED], ids=["by default", "allowed"])
def test_a_neighbour_cant_send_messages_to_another_clients_port(
    start_relay: StartRelay, settings: dict[str, str]
) -> None:
    """Neither by default, nor where provisional addresses are allowed: the victim proved the port by a datagram."""
    relay = start_relay(**settings)
    with People(relay.relay) as people:
        victim = people.create(b"home", b"bob")
        victim.keep_alive()
        await_heard(people, victim)
        assert deceive(relay, people, victim) == []


def test_control_without_the_guard_the_named_port_gets_the_neighbours_messages(start_relay: StartRelay) -> None:
    relay = start_relay.weakened(take_any_port, **ALLOWED)
    with People(relay.relay) as people:
        victim = people.create(b"home", b"bob")
        victim.keep_alive()
        await_heard(people, victim)
        assert b"cem: " + FALSE in deceive(relay, people, victim)


def await_heard(people: People, victim: Member) -> None:
    """Wait until the relay has taken the victim's datagram: it relays to where that came from."""
    friend = people.join(b"home", b"eve")
    victim.receive_until(lambda data: data == b"eve: hi", nudge=lambda: friend.say(b"hi"))
    friend.leave()
    victim.await_notice(b"eve left")
    victim.waiting()
