"""Operators' commands over a Unix socket, on both event loops, asked by what operators use."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relay_server.net import loop
from relay_server.operator import server as server_module
from relay_server.operator.client import AdminError, Row, ask
from relay_server.operator.commands import Arguments, Command, InRoom, OperatorError
from relay_server.operator.server import ROWS_A_TURN, AdminServer
from relay_server.operator.unix_socket import Credentials, listen_unix
from services.relay_server.net.loopback import DEADLINE_SECONDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets on Windows")

Question = Callable[[Path], Any]


def greet(asked: InRoom) -> Iterable[Row]:
    return ({"hello": asked.room},)


def refuse(asked: InRoom) -> Iterable[Row]:
    raise OperatorError(f"No {asked.room}.")


def fail(_: Arguments) -> Iterable[Row]:
    raise ZeroDivisionError("a bug, planted")


def fail_later(_: Arguments) -> Iterator[Row]:
    yield from ({"row": number} for number in range(2 * ROWS_A_TURN))
    raise ZeroDivisionError("a bug, planted")


class Serving:
    """A server, and what it was told and tells."""

    def __init__(self, path: Path, *, use_uvloop: bool) -> None:
        self.path = path
        self.use_uvloop = use_uvloop
        self.told: list[tuple[Credentials, str, dict[str, object], str]] = []
        self.errors: list[str] = []
        self.turns = 0
        self.commands = {
            "greet": Command(InRoom, greet),
            "refuse": Command(InRoom, refuse, changes=True),
            "fail": Command(Arguments, fail, changes=True),
            "fail_later": Command(Arguments, fail_later),
            "count": Command(Arguments, self._count),
        }

    def asked(self, *questions: Question) -> list[Any]:
        """Serve while the questions are asked, and return what came of them."""

        async def scenario() -> list[Any]:
            server = AdminServer(
                self.commands,
                lambda peer, name, arguments, outcome: self.told.append((peer, name, arguments.model_dump(), outcome)),
                lambda _, error: self.errors.append(str(error)),
            )
            serving = asyncio.create_task(server.run(listen_unix(self.path)))
            try:
                return [await asyncio.to_thread(question, self.path) for question in questions]
            finally:
                server.stop()
                await asyncio.wait_for(serving, DEADLINE_SECONDS)

        return loop.run(scenario(), use_uvloop=self.use_uvloop)

    def _count(self, _: Arguments) -> Iterator[Row]:
        """Make rows, and count how often others had their turn meanwhile."""
        running = asyncio.get_running_loop()
        for number in range(10 * ROWS_A_TURN):
            if number % ROWS_A_TURN == 0:
                running.call_soon(self._take_turn)
            yield {"row": number, "turns": self.turns}

    def _take_turn(self) -> None:
        self.turns += 1


@pytest.fixture(params=["uvloop", "asyncio"])
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Serving:
    return Serving(tmp_path / "relay.sock", use_uvloop=request.param == "uvloop")


def command(name: str, **arguments: object) -> Question:
    return lambda path: ask(path, name, arguments)


def sentence(question: Question) -> Question:
    """Return what the relay says instead of an answer."""

    def complain(path: Path) -> str:
        with pytest.raises(AdminError) as caught:
            question(path)
        return str(caught.value)

    return complain


def raw(request: bytes) -> Question:
    """Send bytes as they are, and return the first line of the answer."""

    def speak(path: Path) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(DEADLINE_SECONDS)
            sock.connect(os.fspath(path))
            sock.sendall(request)
            return sock.makefile("rb").readline()

    return speak


def test_a_command_is_carried_out_and_told_of(serving: Serving) -> None:
    assert serving.asked(command("greet", room="お茶")) == [[{"hello": "お茶"}]]
    ((peer, *told),) = serving.told
    assert told == ["greet", {"room": "お茶"}, "done"]
    assert peer == (Credentials(os.getuid(), os.getpid()) if sys.platform == "linux" else Credentials(-1, -1))


@pytest.mark.parametrize("uid", [0, 1000, 65_534, -1])
def test_whoever_gives_a_command_is_known(serving: Serving, monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    monkeypatch.setattr(server_module, "peer_of", lambda _: Credentials(uid, 42))
    assert serving.asked(command("greet", room="tea")) == [[{"hello": "tea"}]]
    assert serving.told[0][0] == Credentials(uid, 42)


def test_a_no_is_one_sentence_and_told_of(serving: Serving) -> None:
    assert serving.asked(sentence(command("refuse", room="tea"))) == ["No tea."]
    assert serving.told[0][1:] == ("refuse", {"room": "tea"}, "No tea.")


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("sing", {}, "This relay knows greet, refuse, fail, fail_later, count."),
        ("greet", {}, "room: Field required."),
        ("greet", {"room": 7}, "room: Input should be a valid string."),
        ("greet", {"room": "x", "loud": True}, "loud: Extra inputs are not permitted."),
        ("greet", {"room": "x" * 10_000}, "A request has at most 8192 bytes."),
    ],
)
def test_what_is_no_command_is_refused(serving: Serving, name: str, arguments: dict[str, object], says: str) -> None:
    (said,) = serving.asked(sentence(command(name, **arguments)))
    assert said.startswith(says)
    assert not serving.told


def test_other_methods_and_other_bytes_are_refused(serving: Serving) -> None:
    assert serving.asked(
        raw(b"GET /greet HTTP/1.1\r\nHost: x\r\n\r\n"),
        raw(b"POST /greet HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{"),
        raw(b"\x04\x01\x00nonsense\r\n\r\n"),
        raw(b"POST /greet HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
    ) == [b"HTTP/1.1 404 Not Found\r\n"] + 3 * [b"HTTP/1.1 400 Bad Request\r\n"]


def test_a_client_that_goes_half_way_harms_nothing(serving: Serving) -> None:
    def go(path: Path) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.connect(os.fspath(path))
            sock.sendall(b"POST /greet HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")

    assert serving.asked(go, command("greet", room="x"))[1] == [{"hello": "x"}]
    assert len(serving.told) == 1


def test_a_long_answer_lets_others_have_their_turn(serving: Serving) -> None:
    (rows,) = serving.asked(command("count"))
    assert [row["row"] for row in rows] == list(range(10 * ROWS_A_TURN))
    assert rows[-1]["turns"] >= 9


def test_a_fault_is_answered_and_handed_on(serving: Serving) -> None:
    assert serving.asked(sentence(command("fail"))) == ["The relay has a fault: its log tells."]
    assert serving.errors == ["a bug, planted"]


def test_half_an_answer_isnt_taken_for_a_whole_one(serving: Serving) -> None:
    (said,) = serving.asked(sentence(command("fail_later")))
    assert "gave no whole answer" in said
    assert serving.errors == ["a bug, planted"]


def test_the_socket_is_gone_afterwards(serving: Serving) -> None:
    serving.asked(command("greet", room="x"))
    assert not serving.path.exists()
    assert sentence(command("greet", room="x"))(serving.path).startswith(f"No relay listens at {serving.path}: ")


@pytest.mark.parametrize("answer", [b"", b"\xff\xfe\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno JSON!\n"])
def test_who_is_no_relay_is_said_so(tmp_path: Path, answer: bytes) -> None:
    path = tmp_path / "other.sock"
    with listen_unix(path).sock as other:
        other.setblocking(True)

        async def scenario() -> str:
            asking = asyncio.create_task(asyncio.to_thread(sentence(command("greet", room="x")), path))
            accepted, _ = await asyncio.to_thread(other.accept)
            with accepted:
                accepted.recv(1000)
                accepted.sendall(answer)
            return str(await asking)

        said = asyncio.run(scenario())
    assert "no whole answer" in said or said == "What answers there is no relay."


def test_rows_are_json_lines(serving: Serving) -> None:
    def whole(path: Path) -> list[bytes]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(DEADLINE_SECONDS)
            sock.connect(os.fspath(path))
            body = b'{"room": "x"}'
            head = b"POST /greet HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
            sock.sendall(head + body)
            return sock.makefile("rb").readlines()

    (lines,) = serving.asked(whole)
    assert b"content-type: application/x-ndjson\r\n" in lines
    assert {"hello": "x"} in [json.loads(line) for line in lines if line.startswith(b"{")]
