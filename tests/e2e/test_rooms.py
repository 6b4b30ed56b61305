"""The list of rooms, from a real relay to each program's eyes (LIST-01, TCP-12)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from chatproto.fingerprint import fingerprint_of
from conformance.people import People
from conformance.relays import CommonRelays, OwnRelay
from conformance.tls import Authority
from e2e.piped import SECONDS
from e2e.screen import Terminal

pytestmark = pytest.mark.requirement("LIST-01")

TOPIC = "at four \u202e[b]sharp"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def lister(common_relays: CommonRelays) -> OwnRelay:
    return common_relays.get(list_rooms="true", web_port=0)


@pytest.fixture
def tea(lister: OwnRelay) -> Iterator[str]:
    """Somebody's room, which has a topic."""
    name = f"tea {uuid4().hex[:8]}"
    with People(lister.relay) as people:
        host = people.create(name.encode(), b"ann")
        bob = people.join(name.encode(), b"bob")
        host.say(f"/topic {TOPIC}".encode())
        bob.receive_until(lambda data: b"four" in data)
        yield name


def rooms(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "messenger", "rooms", *words], env={**os.environ, "LANG": "C.UTF-8", **variables},
        capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def server_of(own: OwnRelay) -> str:
    return f"127.0.0.1:{own.relay.tcp_port}"


def listed(own: OwnRelay, name: str, *words: str, **variables: str) -> str:
    """Ask until the room is in the list, which may be a second old; returns what was printed."""
    while True:
        done = rooms(server_of(own), *words, **variables)
        assert (done.returncode, done.stderr) in {(0, ""), (0, "chat: No rooms are open.\n")}
        if name in done.stdout and "four" in done.stdout:
            return done.stdout


def test_a_table_and_a_list_for_programs(lister: OwnRelay, tea: str) -> None:
    head, *lines = listed(lister, tea).splitlines()
    assert head.split() == ["Room", "Members", "Access", "Topic"]
    (line,) = (line for line in lines if line.startswith(tea))
    assert line.split("  ")[0] == tea
    assert line.endswith("at four \N{REPLACEMENT CHARACTER}[b]sharp")
    assert line.index("2", len(tea)) == head.index("Members") + len("Members") - 1
    found = json.loads(listed(lister, tea, "--json"))
    assert {"name": tea, "members": 2, "password": False, "sealed": False,
            "topic": "at four \N{REPLACEMENT CHARACTER}[b]sharp"} in found  # fmt: skip


def test_a_relay_that_lists_none_and_one_that_isnt_there(common_relays: CommonRelays) -> None:
    own = common_relays.get(web_port=0)
    silent = rooms(server_of(own))
    assert (silent.returncode, silent.stdout, silent.stderr) == (2, "", "chat: This relay lists no rooms.\n")
    silent = rooms(server_of(own), "--lang", "ja", "--json")
    assert (silent.returncode, silent.stdout, silent.stderr.count("\n")) == (2, "", 1)
    nobody = rooms("127.0.0.1:1")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr.startswith("chat: No relay answers at 127.0.0.1:1")
    assert "Traceback" not in nobody.stderr


def test_what_is_no_address_is_wrong_usage() -> None:
    for words in (["a b"], ["host:0"], ["chat://host/tea"], ["h", "--tls", "--ca-file", "/nowhere"], ["h", "tea"]):
        wrong = rooms(*words)
        assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1), words


@pytest.mark.requirement("TCP-12")
def test_by_tls_only_a_relay_is_asked_that_proves_itself(
    common_relays: CommonRelays, authority: Authority, tmp_path: Path
) -> None:
    own = common_relays.get(list_rooms="true", web_port=0, tls_required="true", **authority.settings)
    home = {"XDG_STATE_HOME": str(tmp_path)}
    plain = rooms(server_of(own))
    assert plain.returncode == 2
    assert "by TLS alone" in plain.stderr
    stranger = rooms(server_of(own), "--tls", **home)
    assert stranger.returncode == 1
    assert "isn't trusted" in stranger.stderr
    fingerprint = stranger.stderr.partition("fingerprint is ")[2].partition(";")[0]
    for proof in (["--fingerprint", fingerprint], ["--ca-file", str(authority.ca_file)]):
        assert rooms(server_of(own), *proof, **home).returncode == 0
    known = tmp_path / "chat" / "known_servers"
    assert not known.exists()
    known.parent.mkdir()
    known.write_text(f"{server_of(own)} {fingerprint}\n")
    assert rooms(server_of(own), "--tls", **home).returncode == 0
    known.write_text(f"{server_of(own)} {fingerprint_of(b'another')}\n")
    changed = rooms(server_of(own), "--tls", **home)
    assert changed.returncode == 1
    assert "STOP" in changed.stderr


def test_on_a_terminal_one_joins_a_room_of_the_list(lister: OwnRelay, tea: str, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "LANG": "C.UTF-8", "LOGNAME": "carol"}
    terminal = Terminal("messenger", environment=environment, rows=50)
    with closing(terminal.process):
        terminal.sees("Relay")
        terminal.sees("Your name +carol")
        terminal.types("\x1b[A\x05\x15" + server_of(lister))  # from the room's name to the relay's, which is cleared
        terminal.sees("Open rooms", f"{tea}  2 members · at four")
        lines = terminal.lines
        title, row = (next(n for n, line in enumerate(lines) if text in line) for text in ("Open rooms", tea))
        terminal.types("\t" * 7 + "\x1b[B" * (row - title) + "\r")
        terminal.sees(f"Room +{tea}$")
        terminal.types("\r")
        terminal.sees(f"You are in {tea} as carol.")
        terminal.types("\x11")
        terminal.ends(0)


@pytest.mark.needs("desktop")
def test_in_the_window_one_joins_a_room_of_the_list(
    lister: OwnRelay, tea: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    from e2e.desktop_window import Onlooker, wait_until  # noqa: PLC0415 - Qt may be missing

    someone = Onlooker(tmp_path)
    form, pane = someone.window.start.form, someone.window.start.open
    form.name.setText("carol")
    form.server.setCurrentText(server_of(lister))
    rows: Callable[[], list[str]] = lambda: [pane.list.item(row).text() for row in range(pane.list.count())]  # noqa: E731
    wait_until(lambda: tea in rows(), lambda: repr(rows()))
    pane.list.itemActivated.emit(pane.list.item(rows().index(tea)))
    form.go.click()
    someone.sees(f"You are in {tea} as carol.")
    someone.end()
