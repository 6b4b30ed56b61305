"""What differs between systems, as it is on this one; and that nothing else does, by reading the clients' sources."""

import ast
import asyncio
import io
import os
import signal
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest

from messenger.cli.platforms import be_printable, on_end, open_link, run

ROOT = Path(__file__).parents[4]
CLIENTS = [ROOT / place / "src" for place in ("libs/chatproto", "libs/chatclient", "services/messenger")]
SOURCES = sorted(path for client in CLIENTS for path in client.rglob("*.py"))
POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_NAMES = {
    *("add_signal_handler", "remove_signal_handler", "create_unix_server", "create_unix_connection", "AF_UNIX"),
    *("fork", "forkpty", "getuid", "geteuid", "getgid", "getpgid", "setsid", "setuid", "killpg", "mkfifo", "uname"),
    *("SIGHUP", "SIGKILL", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD", "SIGPIPE", "SIGWINCH", "pause"),
    *("alarm", "setitimer", "fchmod", "sched_getaffinity", "get_blocking", "recvmsg", "sendmsg"),
}
URL = "https://example.org/"


def unguarded(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through what runs on every system."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If | ast.IfExp) and "sys.platform" in ast.unparse(child.test)):
            yield from unguarded(child)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_clients_call_nothing_that_only_posix_has(path: Path) -> None:
    for node in unguarded(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                assert POSIX_MODULES.isdisjoint(alias.name for alias in names), path
            case ast.ImportFrom(module, names):
                assert module not in POSIX_MODULES, path
                assert POSIX_NAMES.isdisjoint(alias.name for alias in names), path
            case ast.Attribute(_, name):
                assert name not in POSIX_NAMES, f"{path}:{node.lineno}"
            case _:
                pass


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_texts_are_utf_8_on_every_system_and_programs_run_on_a_fit_loop(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        where, called = f"{path}:{node.lineno}", ast.unparse(node.func)
        assert called != "asyncio.run", where
        name = called.rpartition(".")[2]
        mode = [ast.unparse(argument) for argument in (*node.args, *(word.value for word in node.keywords))]
        if (called == "open" or name in {"read_text", "write_text"} or called.endswith("path.open")) and not any(
            "b" in text and text.startswith(("'r", "'w", "'a", "'x")) for text in mode
        ):
            assert "encoding" in [word.arg for word in node.keywords], where


def test_a_program_runs_to_its_end_and_its_errors_come_out() -> None:
    async def program() -> str:
        await asyncio.sleep(0)
        return "done"

    assert run(program()) == "done"

    async def failing() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run(failing())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_that_end_are_heard(number: signal.Signals) -> None:
    async def program() -> bool:
        ended = asyncio.Event()
        on_end(lambda: pytest.fail("replaced"), interrupt=True)
        on_end(ended.set, interrupt=True)
        os.kill(os.getpid(), number)
        return await asyncio.wait_for(ended.wait(), 15)

    assert run(program())


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("latin-1", b"caf\xe9 ??\n"),
        ("utf-8", b"caf\xc3\xa9 ?\xe2\x80\x93\n"),
        ("ascii", b"caf\xc3\xa9 ?\xe2\x80\x93\n"),
    ],
)
def test_no_character_ends_the_program(monkeypatch: pytest.MonkeyPatch, encoding: str, shown: bytes) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    be_printable()
    print("caf\u00e9 \ud800\u2013", flush=True)
    assert written.getvalue() == shown


@pytest.mark.parametrize(
    ("platform", "environment", "opens"),
    [
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, False),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_a_link_is_opened_only_where_there_is_a_screen_for_it(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], opens: bool
) -> None:
    opened: list[str] = []

    def note(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(webbrowser, "open", note)
    assert open_link(URL, environment) is opens
    assert opened == [URL] * opens


def test_a_browser_that_fails_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_url: str) -> bool:
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "open", fail)
    assert not open_link(URL, {"DISPLAY": ":0"})
