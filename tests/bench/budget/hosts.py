"""What a host may have the relay do, 16 of them from one address."""

from collections.abc import Callable
from typing import Final

from bench.budget.allowed import JOINS, MEMBERS, PER_ROOM, ROOMS, crowd, full_room, messages, one_room, pace
from bench.budget.measuring import Kind, Send
from bench.budget.members import with_mutes
from bench.budget.stage import Seat, Stage
from bench.budget.words import NAMES, Text
from chatproto import Completion, Operation

BANS: Final = 99
"""One less than there may be in a room, so that there is one more to add."""
_TOPIC_BYTES: Final = 512
_KICKED_FROM: Final = MEMBERS - 4
"""Leaves places for who comes in."""

Said = Callable[[int], bytes]
Hosts = Callable[[Stage], list[Seat]]


def _hosts(stage: Stage) -> list[Seat]:
    return crowd(stage)[::PER_ROOM]


def _host_of_full_room(stage: Stage) -> list[Seat]:
    return full_room(stage)[:1]


def _host_with_mutes(stage: Stage) -> list[Seat]:
    return with_mutes(stage)[:1]


def _banned(name: Text) -> Hosts:
    """Bring up hosts who have banned as many as they may, but for one."""

    def hosts(stage: Stage) -> list[Seat]:
        hosts = _hosts(stage)
        turns = pace()
        for number in range(BANS):
            next(turns)
            for host in hosts:
                host.say(b"/ban " + name(number))
        return hosts

    return hosts


def _commanding(said: Said, hosts: Hosts = _hosts) -> Callable[[Stage], Send]:
    """Have hosts say something in turn; it is made from how often each has spoken."""

    def ready(stage: Stage) -> Send:
        seats = hosts(stage)

        def send(number: int) -> None:
            turn, place = divmod(number, len(seats))
            seats[place].say(said(turn))

        return send

    return ready


def _alternately(first: bytes, second: bytes) -> Said:
    return lambda turn: second if turn % 2 else first


def _topic(turn: int) -> bytes:
    return b"/topic " + (b"%d " % turn + b"\xe2\x80\xae" * _TOPIC_BYTES)[: _TOPIC_BYTES - 3]


def _hand_to_and_fro(stage: Stage) -> Send:
    """Hand a room of 64 over, and have it handed back."""
    first, second, *_ = one_room(stage)

    def send(number: int) -> None:
        giver, taker = (second, first) if number % 2 else (first, second)
        giver.say(b"/host " + taker.name.encode())

    return send


def _join_and_kick(stage: Stage) -> Send:
    """Take out of a room of 64 who has just come in."""
    host = stage.seat("crowd", [f"crowd {number}" for number in range(_KICKED_FROM)])[0]

    def send(number: int) -> None:
        def kick(_: Completion) -> None:
            host.say(b"/kick mal %d" % number)

        stage.seat_later(Operation.JOIN, "crowd", f"mal {number}", kick)

    return send


_HOSTS: Final = messages(members=ROOMS)
_ONE: Final = messages(members=1)
_NAMES: Final = NAMES["U+FDFA"]

KINDS: Final = (
    Kind("host", "/topic, 512 bytes, another each time", _HOSTS, _commanding(_topic)),
    Kind("host", "/topic in a room of 1,000", _ONE, _commanding(_topic, _host_of_full_room)),
    Kind("host", "/mute and /unmute", _HOSTS, _commanding(_alternately(b"/mute crowd 1", b"/unmute crowd 1"))),
    Kind(
        "host", "/mute and /unmute in a room of 64, beside 99 mutes", _ONE,
        _commanding(_alternately(b"/mute crowd 1", b"/unmute crowd 1"), _host_with_mutes),
    ),
    Kind(
        "host", "/ban and /unban beside 99 bans", _HOSTS,
        _commanding(_alternately(b"/ban one more", b"/unban one more"), _banned(NAMES["plain letters"])),
    ),
    Kind(
        "host", "/ban and /unban beside 99 bans, names of U+FDFA", _HOSTS,
        _commanding(_alternately(b"/ban " + _NAMES(BANS), b"/unban " + _NAMES(BANS)), _banned(_NAMES)),
    ),
    Kind(
        "host", "/unban alone, with 99 bans", _HOSTS, _commanding(lambda _: b"/unban", _banned(NAMES["plain letters"]))
    ),
    Kind("host", "/kick of who just joined, in a room of 60", JOINS, _join_and_kick),
    Kind("host", "/kick of nobody", _HOSTS, _commanding(lambda turn: b"/kick " + _NAMES(turn))),
    Kind("host", "/host and back, in a room of 64", messages(members=2), _hand_to_and_fro),
    Kind("host", "/password", _HOSTS, _commanding(lambda turn: b"/password secret %d" % turn), threads=True),
)  # fmt: skip
