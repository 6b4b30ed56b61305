"""What a member may say, 64 of them from one address."""

from collections.abc import Callable
from typing import Final

from bench.budget.allowed import JOINS, MEMBERS, ROOM_MEMBERS, crowd, full_room, messages, one_room, others, pace
from bench.budget.measuring import Kind, Send
from bench.budget.stage import ATTACKER, Seat, Stage
from bench.budget.words import MESSAGES
from chatproto import Completion, Operation
from conformance import wire

MUTES: Final = 99
"""One less than there may be in a room, so that there is one more to add."""


def saying(message: bytes, seated: Callable[[Stage], list[Seat]] = crowd) -> Callable[[Stage], Send]:
    """Have the first 64 of those seated say this in turn."""

    def ready(stage: Stage) -> Send:
        seats = seated(stage)[:MEMBERS]
        return lambda number: seats[number % MEMBERS].say(message)

    return ready


def _from_two_ports(stage: Stage) -> Send:
    """Speak from the other of two ports each time."""
    seats = crowd(stage)
    others = [stage.udp(ATTACKER) for _ in seats]

    def send(number: int) -> None:
        turn, place = divmod(number, MEMBERS)
        seat = seats[place]
        (others[place] if turn % 2 else seat.socket).send(seat.header + MESSAGES["a line of plain text"])

    return send


def _to_the_dead(stage: Stage) -> Send:
    """Speak to those whose port is closed: the first half of each room speaks, nobody listens in the other."""
    seats = crowd(stage)
    speaking, dead = seats[::2], seats[1::2]
    for seat in dead:
        seat.socket.close()
    return lambda number: speaking[number % len(speaking)].say(b"are you there?")


def _own_name(stage: Stage) -> Send:
    """Begin with one's own name, which the relay looks for."""
    seats = crowd(stage)

    def send(number: int) -> None:
        seat = seats[number % MEMBERS]
        seat.say(seat.name.encode() + b" " * 3000 + b"is here")

    return send


def with_mutes(stage: Stage) -> list[Seat]:
    """Seat 64 in a room where as many are muted as may be but for one; they have left, and it counts on."""
    seats = one_room(stage)
    host = seats[0]
    turns = pace()
    for number in range(MUTES):
        name = f"muted {number}"
        (guest,) = stage.seat(host.room, [name], source=f"127.0.4.{1 + number // 50}", create=False)
        next(turns)
        host.say(b"/mute " + name.encode())
        guest.say(b"/leave")
    return seats


def _join_and_leave(stage: Stage) -> Send:
    """Come and go in a room that is as full as may be, and everybody hears of it."""
    others(stage, "crowd", ROOM_MEMBERS - MEMBERS, create=True)
    sock = stage.udp(ATTACKER)

    def send(number: int) -> None:
        def leave(granted: Completion) -> None:
            sock.send(wire.chat(b"crowd", granted.token, b"/leave"))

        stage.seat_later(Operation.JOIN, "crowd", f"mal {number}", leave)

    return send


KINDS: Final = (
    *(Kind("member", what, messages(len(message)), saying(message)) for what, message in MESSAGES.items()),
    Kind("member", "3,000 spaces after their own name", messages(3020), _own_name),
    Kind("member", "/who, in a room with 99 mutes", messages(), saying(b"/who", with_mutes)),
    Kind("member", "plain text to 63 others", messages(), saying(MESSAGES["a line of plain text"], one_room)),
    Kind("member", "plain text from another port each time", messages(), _from_two_ports),
    Kind("member", "plain text to members whose port is closed", messages(members=MEMBERS // 2), _to_the_dead),
    Kind("member", "plain text in a room of 1,000", messages(), saying(MESSAGES["a line of plain text"], full_room)),
    Kind("member", "joins and leaves in a room of 1,000", JOINS, _join_and_leave),
)
