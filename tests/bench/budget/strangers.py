"""What somebody may send who has joined nothing and need not have an address of their own."""

import socket
import struct
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Final

from bench.budget.allowed import CONNECTIONS, DATAGRAMS
from bench.budget.measuring import Kind, Send
from bench.budget.stage import ATTACKER, HOST, Stage, client_context
from bench.budget.tls import hello
from bench.budget.words import NAMES, Text
from conformance import wire

_IP_PKTINFO: Final = 8
"""Linux's; Python has no name for it."""
_PKTINFO: Final = struct.Struct("@i4s4s")
_ANYWHERE: Final = bytes(4)
_SPEAKING_A_SECOND: Final = 200.0
"""Each is copied to as many as there may be in the lobby."""

Datagram = Callable[[int], bytes]


def _junk(number: int) -> bytes:
    return b"\xff\xfe" + number.to_bytes(8, "big") * 30


def _unknown_token(number: int) -> bytes:
    return wire.chat(b"pair-0", b"%022d" % number, b"hello")


def _lobby(name: Text, message: bytes = b"") -> Datagram:
    return lambda number: wire.lobby(name(number), message)


def _addresses() -> Iterator[bytes]:
    """Yield addresses of the loopback network, some hundred thousand before one comes again."""
    return cycle(bytes((127, high, middle, low)) for high in (8, 9) for middle in range(256) for low in range(1, 255))


def _from_everywhere(datagram: Datagram, *, lobby: bool) -> Callable[[Stage], Send]:
    """Send each from another address, as who forges them would."""

    def ready(stage: Stage) -> Send:
        sock = stage.udp_anywhere()
        address = HOST, stage.lobby_port if lobby else stage.relay.udp_port
        addresses = _addresses()

        def send(number: int) -> None:
            source = _PKTINFO.pack(0, next(addresses), _ANYWHERE)
            sock.sendmsg([datagram(number)], [(socket.IPPROTO_IP, _IP_PKTINFO, source)], 0, address)

        return send

    return ready


def _from_one(datagram: Datagram) -> Callable[[Stage], Send]:
    def ready(stage: Stage) -> Send:
        sock = stage.udp(ATTACKER)

        def send(number: int) -> None:
            sock.send(datagram(number))

        return send

    return ready


def _silent(data: bytes, *, addresses: int) -> Callable[[Stage], Send]:
    def ready(stage: Stage) -> Send:
        return lambda number: stage.call(data, source=f"127.0.2.{1 + number % addresses}")

    return ready


def _half_hello(stage: Stage) -> Send:
    said = hello(client_context(stage))
    return lambda number: stage.call(said[: len(said) // 2], source=f"127.0.2.{1 + number % 20}")


KINDS: Final = (
    Kind("stranger", "junk datagrams", DATAGRAMS, _from_everywhere(_junk, lobby=False), unlimited=True),
    Kind("stranger", "unknown tokens, one address", DATAGRAMS, _from_one(_unknown_token), unlimited=True),
    Kind(
        "stranger", "unknown tokens, many addresses", DATAGRAMS,
        _from_everywhere(_unknown_token, lobby=False), unlimited=True,
    ),
    *(
        Kind(
            "stranger", f"lobby keep-alives of many addresses, names of {what}", DATAGRAMS,
            _from_everywhere(_lobby(name), lobby=True), unlimited=True,
        )
        for what, name in NAMES.items()
    ),
    Kind(
        "stranger", "lobby text of many addresses", _SPEAKING_A_SECOND,
        _from_everywhere(_lobby(NAMES["plain letters"], b"hello"), lobby=True), unlimited=True,
    ),
    Kind("stranger", "silent connections, one address", CONNECTIONS, _silent(b"", addresses=1), unlimited=True),
    Kind("stranger", "silent connections, 20 addresses", CONNECTIONS, _silent(b"", addresses=20), unlimited=True),
    Kind(
        "stranger", "half a request, 20 addresses", CONNECTIONS,
        _silent(bytes((4, 1)) + bytes(15), addresses=20), unlimited=True,
    ),
    Kind("stranger", "half a TLS hello, 20 addresses", CONNECTIONS, _half_hello, unlimited=True, tls=True),
)  # fmt: skip
