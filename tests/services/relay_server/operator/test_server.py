"""Operators' commands over a Unix socket, on both event loops, asked by what operators use."""

import asyncio
import json
import os
import select
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from relay_server.crashes import Crashes
from relay_server.net import loop
from relay_server.operator import server as server_module
from relay_server.operator.client import AdminError, Row, ask
from relay_server.operator.commands import Arguments, Command, Inquiry, InRoom, OperatorError
from relay_server.operator.server import MAX_CONNECTIONS, MAX_REQUEST_BYTES, ROWS_A_TURN, OperatorServer
from relay_server.operator.unix_socket import Credentials, listen_unix
from relay_server.telemetry.metrics import Component
from services.relay_server.net.loopback import DEADLINE_SECONDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets on Windows")

QUICKLY = 0.05
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


async def inquire(asked: InRoom) -> Iterable[Row]:
    await asyncio.sleep(0)
    if asked.room == "nowhere":
        raise OperatorError("There is no cluster.", is_misplaced=True)
    if not asked.room:
        raise ZeroDivisionError("a bug, planted")
    return ({"hello": asked.room},)


class Serving:
    """A server, and what it logs and counts."""

    def __init__(self, path: Path, *, use_uvloop: bool) -> None:
        self.path = path
        self.use_uvloop = use_uvloop
        self.told: list[Mapping[str, Any]] = []
        self.errors: Counter[Component] = Counter()
        self.turns = 0
        self.commands: dict[str, Command | Inquiry] = {
            "greet": Command(InRoom, greet),
            "refuse": Command(InRoom, refuse, changes=True),
            "fail": Command(Arguments, fail, changes=True),
            "fail_later": Command(Arguments, fail_later),
            "count": Command(Arguments, self._count),
            "inquire": Inquiry(InRoom, inquire),
            "glance": Command(InRoom, greet, is_logged=False),
        }

    def asked(self, *questions: Question, afterwards: Callable[[], object] = lambda: None) -> list[Any]:
        """Serve while the questions are asked, and return what came of them; ``afterwards`` is asked once it ended."""

        async def scenario() -> list[Any]:
            crashes = Crashes(self.errors, lambda: None)
            asyncio.get_running_loop().set_exception_handler(crashes.on_loop_error)
            server = OperatorServer(self.commands, listen_unix(self.path), crashes)
            serving = asyncio.create_task(server.run())
            try:
                return [await asyncio.to_thread(question, self.path) for question in questions]
            finally:
                server.stop()
                await asyncio.wait_for(serving, DEADLINE_SECONDS)
                await asyncio.to_thread(afterwards)

        with capture_logs() as logs:
            answers = loop.run(scenario(), use_uvloop=self.use_uvloop)
        self.told += [entry for entry in logs if entry["event"] == "admin"]
        return answers

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


def call(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(DEADLINE_SECONDS)
    sock.connect(os.fspath(path))
    return sock


def raw(request: bytes) -> Question:
    """Send bytes and nothing more, and return the lines that come until the server ends the connection."""

    def speak(path: Path) -> list[bytes]:
        with call(path) as sock:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            return sock.makefile("rb").readlines()

    return speak


def refusal(sentence: str) -> bytes:
    return json.dumps({"error": sentence}).encode() + b"\n"


def told(command: str, outcome: str, **more: object) -> dict[str, object]:
    credentials = Credentials(os.getuid(), os.getpid()) if sys.platform == "linux" else Credentials(-1, -1)
    return {
        "event": "admin", "log_level": "info", "command": command, "outcome": outcome, **credentials._asdict(), **more,
    }  # fmt: skip


def test_a_command_is_carried_out_and_logged_with_who_gave_it(serving: Serving) -> None:
    assert serving.asked(command("greet", room="お茶")) == [[{"hello": "お茶"}]]
    assert serving.told == [told("greet", "done", room="お茶")]


def test_a_command_that_is_asked_again_and_again_fills_no_log(serving: Serving) -> None:
    assert serving.asked(command("glance", room="tea")) == [[{"hello": "tea"}]]
    assert not serving.told


def test_an_inquiry_is_answered_when_others_have_answered(serving: Serving) -> None:
    assert serving.asked(command("inquire", room="tea")) == [[{"hello": "tea"}]]
    assert serving.told == [told("inquire", "done", room="tea")]
    assert serving.asked(sentence(command("inquire", room=""))) == ["The relay has a fault: its log tells."]
    assert serving.errors == {Component.PAGE: 1}


@pytest.mark.parametrize(("name", "is_misplaced"), [("inquire", True), ("refuse", False)])
def test_it_is_told_apart_what_this_relay_can_never_do(serving: Serving, name: str, is_misplaced: bool) -> None:
    def complain(path: Path) -> bool:
        with pytest.raises(AdminError) as caught:
            ask(path, name, {"room": "nowhere"})
        return caught.value.is_misplaced

    assert serving.asked(complain) == [is_misplaced]


def test_a_no_is_one_sentence_and_logged(serving: Serving) -> None:
    assert serving.asked(sentence(command("refuse", room="tea"))) == ["No tea."]
    assert serving.told == [told("refuse", "No tea.", room="tea")]


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("sing", {}, "This relay knows greet, refuse, fail, fail_later, count, inquire, glance."),
        ("greet", {}, "room: Field required."),
        ("greet", {"room": 7}, "room: Input should be a valid string."),
        ("greet", {"room": "x", "loud": True}, "loud: Extra inputs are not permitted."),
        ("greet", {"room": "x" * 10_000}, "A request has at most 8192 bytes."),
        ("greet", {"room": "x" * 1_000_000}, "A request has at most 8192 bytes."),
    ],
)
def test_what_is_no_command_is_refused(serving: Serving, name: str, arguments: dict[str, object], says: str) -> None:
    (said,) = serving.asked(sentence(command(name, **arguments)))
    assert said.startswith(says)
    assert not serving.told


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "The request: Invalid JSON: "),
        (b"\x04\x01\x00nonsense", "The request: Invalid JSON: "),
        (b'{"command": "greet"', "The request: Invalid JSON: "),
        (b"[" * 4000, "The request: Invalid JSON: "),
        (b"[]", "The request: Input should be an object."),
        (b"{}", "command: Field required."),
        (b'{"command": 1}', "command: Input should be a valid string."),
        (b'{"command": "greet", "arguments": []}', "arguments: Input should be an object."),
        (b'{"command": "greet", "loud": true}', "loud: Extra inputs are not permitted."),
        (b"GET /greet HTTP/1.1\r", "The request: Invalid JSON: "),
    ],
)
def test_a_line_that_is_no_request_is_answered_and_the_next_one_served(
    serving: Serving, line: bytes, says: str
) -> None:
    next_line = b'{"command": "greet", "arguments": {"room": "x"}}\n'
    ((refused, answer),) = serving.asked(raw(line + b"\n" + next_line))
    assert json.loads(refused)["error"].startswith(says)
    assert answer == b'{"rows": [{"hello": "x"}]}\n'


def test_a_line_without_end_is_refused_and_the_connection_ended(serving: Serving) -> None:
    def speak(path: Path) -> bytes:
        with call(path) as sock:
            sock.sendall(b"x" * (MAX_REQUEST_BYTES + 1))
            return sock.recv(1000) + sock.recv(1000)

    assert serving.asked(speak) == [refusal("A request has at most 8192 bytes.")]


@pytest.mark.parametrize("last", [b"", b'{"command": "greet"'])
def test_a_client_that_goes_half_way_harms_nothing(serving: Serving, last: bytes) -> None:
    assert serving.asked(raw(last), command("greet", room="x")) == [[], [{"hello": "x"}]]
    assert len(serving.told) == 1


def test_who_asks_nothing_in_time_is_cut(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "PATIENCE_SECONDS", QUICKLY)

    def keep_quiet(path: Path) -> bytes:
        with call(path) as sock:
            sock.sendall(b'{"command": "greet"')
            return sock.recv(1000)

    assert serving.asked(keep_quiet) == [b""]


def test_a_client_that_reads_no_answer_in_time_is_cut(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "PATIENCE_SECONDS", QUICKLY)
    cut = threading.Event()

    def endless(_: Arguments) -> Iterator[Row]:
        try:
            while True:
                yield {"row": "x" * 1000}
        finally:
            cut.set()

    serving.commands["endless"] = Command(Arguments, endless)

    def take_nothing(path: Path) -> bool:
        with call(path) as sock:
            sock.sendall(b'{"command": "endless"}\n')
            assert cut.wait(DEADLINE_SECONDS)
            end = select.poll()
            end.register(sock, select.POLLHUP)
            return bool(end.poll(1000 * DEADLINE_SECONDS))

    assert serving.asked(take_nothing) == [True]
    assert not serving.errors


def test_one_connection_too_many_gets_an_error_and_the_others_go_on(serving: Serving) -> None:
    def crowd(path: Path) -> tuple[bytes, list[bytes]]:
        with ExitStack() as stack:
            all_of_them = [stack.enter_context(call(path)) for _ in range(MAX_CONNECTIONS)]
            for sock in all_of_them:
                sock.sendall(b"{}\n")
                assert sock.recv(1000) == refusal("command: Field required.")
            one_more = stack.enter_context(call(path))
            refused = one_more.recv(1000) + one_more.recv(1000)
            for sock in all_of_them:
                sock.sendall(b'{"command": "greet", "arguments": {"room": "x"}}\n')
            return refused, [sock.makefile("rb").readline() for sock in all_of_them]

    (refused, answers), again = serving.asked(crowd, command("greet", room="x"))
    assert refused == refusal("Too many operators are connected: try again.")
    assert answers == [b'{"rows": [{"hello": "x"}]}\n'] * MAX_CONNECTIONS
    assert again == [{"hello": "x"}]


def test_who_is_connected_at_the_end_is_cut(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "PATIENCE_SECONDS", 3600.0)  # it isn't the deadline that cuts
    connected: list[socket.socket] = []

    def stay(path: Path) -> None:
        connected.append(call(path))
        connected[0].sendall(b"{}\n")
        assert connected[0].recv(1000) == refusal("command: Field required.")

    def see_the_end() -> None:
        with connected[0] as sock:
            assert sock.recv(1000) == b""

    serving.asked(stay, afterwards=see_the_end)


def test_a_client_that_ends_its_side_and_reads_slowly_gets_all(serving: Serving) -> None:
    made = threading.Event()

    def many(_: Arguments) -> Iterator[Row]:
        yield from ({"row": "x" * 100} for _ in range(10_000))
        made.set()

    serving.commands["many"] = Command(Arguments, many)

    def read_when_it_must(path: Path) -> bytes:
        with call(path) as sock:
            sock.sendall(b'{"command": "many"}\n')
            sock.shutdown(socket.SHUT_WR)
            answer = b""
            while not made.wait(0.001):
                answer += sock.recv(16_384)
            command("greet", room="x")(path)  # so the server had its turn, and time to end too early
            return answer + sock.makefile("rb").read()

    (answer,) = serving.asked(read_when_it_must)
    assert len(json.loads(answer)["rows"]) == 10_000


def test_a_long_answer_lets_others_have_their_turn(serving: Serving) -> None:
    (rows,) = serving.asked(command("count"))
    assert [row["row"] for row in rows] == list(range(10 * ROWS_A_TURN))
    assert rows[-1]["turns"] >= 9


def test_a_fault_is_answered_and_handed_on(serving: Serving) -> None:
    assert serving.asked(sentence(command("fail"))) == ["The relay has a fault: its log tells."]
    assert serving.errors == {Component.COMMAND: 1}


def test_half_an_answer_isnt_taken_for_a_whole_one(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "PATIENCE_SECONDS", 3600.0)  # it isn't the deadline that cuts
    (said,) = serving.asked(sentence(command("fail_later")))
    assert "gave no whole answer" in said
    assert serving.errors == {Component.PAGE: 1}


def test_the_socket_is_gone_afterwards(serving: Serving) -> None:
    serving.asked(command("greet", room="x"))
    assert not serving.path.exists()
    assert sentence(command("greet", room="x"))(serving.path).startswith(f"No relay listens at {serving.path}: ")


@pytest.mark.parametrize("answer", [b"", b"{}", b"{}\n", b"[]\n", b"\xff\xfe\r\n", b"HTTP/1.1 400 Bad Request\r\n"])
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
