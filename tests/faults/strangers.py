"""Thirty kinds of datagrams that prove no membership, each with the reason that a relay drops it for (CON-03)."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from conformance import wire
from conformance.people import Member
from conformance.relays import Relay
from faults.spoof import udp_packet

Chance = random.Random


@dataclass(frozen=True, slots=True)
class Scene:
    """What an attacker may know: members, their tokens, and tokens that are dead."""

    member: Member
    """Lives in the network that the attacker sends from."""
    member_ip: str
    other: Member
    """A member of another room, from another address."""
    left: bytes
    closed: bytes
    never_used: bytes

    def chat(self, token: bytes, message: bytes = b"hello", room: bytes = b"") -> bytes:
        return wire.chat(room or self.member.room, token, message)


class Stranger(NamedTuple):
    """One kind: why it is dropped, what it sends, and whether it does from the member's own address."""

    reason: str
    datagram: Callable[[Scene, Chance], bytes]
    from_home: bool = False


def _token(chance: Chance, size: int = 22) -> bytes:
    return bytes(chance.choices(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=size))


MALFORMED, UNKNOWN, ROOM, ADDRESS = "malformed", "unknown_token", "room_mismatch", "address_mismatch"
OVERSIZED, UTF8, RESERVED = "oversized", "invalid_utf8", "reserved_name"

TO_ROOMS: Final[dict[str, Stranger]] = {
    "empty": Stranger(MALFORMED, lambda _, __: b""),
    "one byte": Stranger(MALFORMED, lambda _, chance: chance.randbytes(1)),
    "sizes alone": Stranger(MALFORMED, lambda _, __: b"\x06\x16"),
    "no room name": Stranger(MALFORMED, lambda scene, __: b"\x00\x16" + scene.member.token + b"hello"),
    "no token": Stranger(MALFORMED, lambda scene, __: b"\x06\x00" + scene.member.room + b"hello"),
    "sizes beyond the end": Stranger(MALFORMED, lambda _, chance: b"\xff\xff" + chance.randbytes(300)),
    "cut in the room name": Stranger(MALFORMED, lambda scene, __: scene.chat(scene.member.token)[:5]),
    "cut in the token": Stranger(MALFORMED, lambda scene, __: scene.chat(scene.member.token, b"")[:-1]),
    "a request for TCP": Stranger(MALFORMED, lambda *_: wire.frame(wire.JOIN, wire.REQUEST, b"x" * 200, b"ann")[:150]),
    "another protocol": Stranger(MALFORMED, lambda *_: b"\xc3\x00\x00\x00\x01" + bytes(100)),
    "unknown token": Stranger(UNKNOWN, lambda scene, chance: scene.chat(_token(chance))),
    "unknown token of 255 bytes": Stranger(UNKNOWN, lambda scene, chance: scene.chat(_token(chance, 255))),
    "unknown token of 1 byte": Stranger(UNKNOWN, lambda scene, chance: scene.chat(_token(chance, 1))),
    "unknown room and token": Stranger(UNKNOWN, lambda _, chance: wire.chat(_token(chance, 9), _token(chance))),
    "who left": Stranger(UNKNOWN, lambda scene, __: scene.chat(scene.left), from_home=True),
    "whose room closed": Stranger(UNKNOWN, lambda scene, __: scene.chat(scene.closed), from_home=True),
    "who never came": Stranger(UNKNOWN, lambda scene, __: scene.chat(scene.never_used), from_home=True),
    "unknown token, a member's address": Stranger(
        UNKNOWN, lambda scene, chance: scene.chat(_token(chance)), from_home=True
    ),
    "right token, no such room": Stranger(ROOM, lambda scene, __: scene.chat(scene.member.token, room=b"nowhere")),
    "right token, another room": Stranger(
        ROOM, lambda scene, __: scene.chat(scene.member.token, room=scene.other.room), from_home=True
    ),
    "right token, wrong address": Stranger(ADDRESS, lambda scene, __: scene.chat(scene.member.token)),
    "the same, a keep-alive": Stranger(ADDRESS, lambda scene, __: scene.chat(scene.member.token, b"")),
    "the same, a leave": Stranger(ADDRESS, lambda scene, __: scene.chat(scene.member.token, b"/leave")),
    "another's token from a member's address": Stranger(
        ADDRESS, lambda scene, __: scene.chat(scene.other.token, room=scene.other.room), from_home=True
    ),
    "oversized": Stranger(OVERSIZED, lambda scene, __: scene.chat(scene.member.token, bytes(4097))),
    "random": Stranger(MALFORMED, lambda _, chance: b"\xff\xfe" + chance.randbytes(chance.randrange(508))),
}

TO_LOBBY: Final[dict[str, Stranger]] = {
    "lobby: no name": Stranger(MALFORMED, lambda _, chance: b"\x00" + chance.randbytes(20)),
    "lobby: cut in the name": Stranger(MALFORMED, lambda *_: wire.lobby(b"somebody", b"")[:-1]),
    "lobby: the relay's name": Stranger(
        RESERVED,
        lambda _, chance: wire.lobby(chance.choice([b"server", b"SERVER", b" Server "]), b"disconnected: abuse"),
    ),
    "lobby: not UTF-8": Stranger(
        UTF8, lambda _, chance: chance.choice([wire.lobby(b"a\xff", b"hi"), wire.lobby(b"ann", b"\xed\xa0\x80")])
    ),
}  # fmt: skip


def packets(scene: Scene, relay: Relay, subnet: int, chance: Chance, variants: int) -> Iterator[tuple[str, bytes]]:
    """Yield so many packets of each kind, with its name, from addresses all over the strange network."""
    for kinds, port in ((TO_ROOMS, relay.udp_port), (TO_LOBBY, relay.lobby_port)):
        for name, (_, datagram, from_home) in kinds.items():
            for _ in range(variants):
                ip = scene.member_ip if from_home else f"198.18.{subnet}.{chance.randrange(1, 255)}"
                source = ip, chance.randrange(1024, 65_536)
                yield name, udp_packet(source, (relay.host, port), datagram(scene, chance))
