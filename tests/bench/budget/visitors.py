"""What somebody may ask by TCP, or say in the lobby, from an address of their own, without being in a room."""

import ssl
from collections.abc import Callable
from typing import Final

from bench.budget.allowed import CONNECTIONS, HANDSHAKES, JOINS, MEMBERS, messages
from bench.budget.measuring import Kind, Send
from bench.budget.stage import ATTACKER, Stage, client_context
from bench.budget.tls import Handshake, KeyUpdates
from bench.budget.words import JSON, MAX_PAYLOAD_BYTES, NAMES, Text
from chatproto import Completion, Operation
from conformance import wire

_KEY_UPDATES: Final = 1000
_SLOWLY: Final = 10.0
"""A second, of what is thousands of records each: more of them, and making them would take us longer than the relay."""
_TINY_RECORDS: Final = 2000


def _asking(ask: Callable[[int], bytes]) -> Callable[[Stage], Send]:
    """Ask for something else each time; the connection ends when the relay ends it."""

    def ready(stage: Stage) -> Send:
        return lambda number: stage.call(ask(number))

    return ready


def _join(room: bytes, payload: bytes) -> bytes:
    return wire.frame(wire.JOIN, wire.REQUEST, room, payload)


def _named(name: Text) -> Callable[[Stage], Send]:
    """Join a room that is there, each time under a name that nobody had before."""

    def ready(stage: Stage) -> Send:
        stage.seat("open", ["ann"])
        return lambda number: stage.call(_join(b"open", name(number)))

    return ready


def _json(payload: bytes) -> Callable[[int], bytes]:
    assert len(payload) <= MAX_PAYLOAD_BYTES
    return lambda _: _join(b"nowhere", payload)


def _create_and_leave(name: str, password: str | None = None) -> Callable[[Stage], Send]:
    """Create a room after the other, and leave it at once, so that there is a place for the next."""

    def ready(stage: Stage) -> Send:
        sock = stage.udp(ATTACKER)

        def send(number: int) -> None:
            room = f"short-{number}"

            def leave(granted: Completion) -> None:
                sock.send(wire.chat(room.encode(), granted.token, b"/leave"))

            stage.seat_later(Operation.CREATE, room, name, leave, password=password)

        return send

    return ready


def _guessing(name: bytes) -> Callable[[Stage], Send]:
    """Try passwords; ``name`` has a place for the number of the guess, or is the same each time."""

    def ready(stage: Stage) -> Send:
        stage.call(wire.frame(wire.CREATE, wire.REQUEST, b"secret", b'{"username": "ann", "password": "secret"}'))

        def send(number: int) -> None:
            named = name.replace(b"#", b"%d" % number)
            stage.call(_join(b"secret", b'{"username": "%b", "password": "guess %d"}' % (named, number)))

        return send

    return ready


def _shake_hands(version: ssl.TLSVersion) -> Callable[[Stage], Send]:
    def ready(stage: Stage) -> Send:
        context = client_context(stage, version)

        def send(_: int) -> None:
            handshake = Handshake(context)
            stage.call(handshake.first, handshake)

        return send

    return ready


def _update_keys(stage: Stage) -> Send:
    keys = stage.folder / "keys"
    keys.write_text("", encoding="ascii")
    context = client_context(stage)
    context.keylog_filename = str(keys)
    updates = KeyUpdates(keys)

    def send(_: int) -> None:
        handshake = Handshake(context, lambda _: updates.records(_KEY_UPDATES))
        stage.call(handshake.first, handshake)

    return send


def _tiny_records(stage: Stage) -> Send:
    context = client_context(stage)
    request = _join(b"nowhere", b"x" * (_TINY_RECORDS - len(_join(b"nowhere", b""))))

    def in_pieces(handshake: Handshake) -> bytes:
        return b"".join(handshake.encrypt(bytes([byte])) for byte in request)

    def send(_: int) -> None:
        handshake = Handshake(context, in_pieces)
        stage.call(handshake.first, handshake)

    return send


def _in_lobby(message: bytes, name: Text | None = None) -> Callable[[Stage], Send]:
    """Speak in the lobby, in turn, as many as one address may be; with a name of their own, or a new one each time."""

    def ready(stage: Stage) -> Send:
        sockets = [stage.udp(ATTACKER, stage.lobby_port) for _ in range(MEMBERS)]
        for number, sock in enumerate(sockets):
            sock.send(wire.lobby(b"mal %d" % number))

        def send(number: int) -> None:
            own = name(number) if name else b"mal %d" % (number % MEMBERS)
            sockets[number % MEMBERS].send(wire.lobby(own, message))

        return send

    return ready


KINDS: Final = (
    Kind("visitor", "joins of no room", JOINS, _asking(lambda _: _join(b"nowhere", b"ann"))),
    Kind("visitor", "joins over the rate", CONNECTIONS, _asking(lambda _: _join(b"nowhere", b"ann")), unlimited=True),
    Kind("visitor", "creates, and leaves at once", JOINS, _create_and_leave("mal")),
    *(Kind("visitor", f"joins, names of {what}", JOINS, _named(name)) for what, name in NAMES.items()),
    *(
        Kind("visitor", f"JSON of 4,096 bytes: {what}", CONNECTIONS, _asking(_json(payload)), unlimited=True)
        for what, payload in JSON.items()
    ),
    Kind("visitor", "creates with a password", JOINS, _create_and_leave("mal", "secret"), threads=True),
    Kind(
        "visitor", "creates with a password, a reserved name", JOINS, _create_and_leave("admin", "secret"), threads=True
    ),
    Kind("visitor", "wrong passwords", JOINS, _guessing(b"mal"), threads=True),
    Kind("visitor", "wrong passwords, a new name each time", JOINS, _guessing(b"mal #"), threads=True),
    Kind("visitor", "TLS 1.3 handshakes", HANDSHAKES, _shake_hands(ssl.TLSVersion.TLSv1_3), tls=True),
    Kind(
        "visitor", "TLS 1.2 handshakes, where it is allowed", HANDSHAKES, _shake_hands(ssl.TLSVersion.TLSv1_2),
        tls=True, settings={"RELAY_TLS_MIN_VERSION": "1.2"},
    ),
    Kind(
        "visitor", "TLS handshakes over the rate", CONNECTIONS, _shake_hands(ssl.TLSVersion.TLSv1_3),
        tls=True, unlimited=True,
    ),
    Kind("visitor", "a TLS connection with 1,000 KeyUpdates", _SLOWLY, _update_keys, tls=True, unlimited=True),
    Kind("visitor", "a TLS connection with 2,000 records of a byte", _SLOWLY, _tiny_records, tls=True, unlimited=True),
    Kind("visitor", "lobby keep-alives", messages(), _in_lobby(b"")),
    Kind("visitor", "lobby text to 63 others", messages(), _in_lobby(b"hello")),
    *(
        Kind("visitor", f"lobby, a new name each time, of {what}", messages(), _in_lobby(b"", name))
        for what, name in list(NAMES.items())[:2]
    ),
)  # fmt: skip
