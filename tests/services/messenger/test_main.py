"""The command ``chat`` as a filter and for lists, in this process, with relays in another thread."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from chatproto import Operation, ServerTransaction, Status
from libs.chatclient.authority import Authority
from libs.chatclient.backstage import Backstage
from messenger.__main__ import main

Captured = pytest.CaptureFixture[str]
Typing = Callable[[str], None]


@pytest.fixture
def backstage() -> Iterator[Backstage]:
    with closing(Backstage()) as backstage:
        yield backstage


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be somebody who trusts nobody yet and has no passwords."""
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, os.fspath(tmp_path))
    for name in ("CHAT_PASSWORD", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typing]:
    """Let a text come through a pipe."""
    with ExitStack() as opened:

        def type_in(text: str) -> None:
            readable, writable = os.pipe()
            os.write(writable, text.encode())
            os.close(writable)
            monkeypatch.setattr(sys, "stdin", opened.enter_context(os.fdopen(readable)))

        yield type_in


def asked(received: bytes) -> tuple[Operation, str, str, str | None]:
    """Return the operation, the room, the name and the password that a relay was asked with."""
    request = ServerTransaction().feed(received)
    assert request
    operation, room, form = request
    return operation, room, form.username, form.password


def test_rooms_are_a_table_for_people(backstage: Backstage, capsys: Captured) -> None:
    relay, server = backstage.relay()
    relay.rooms = json.dumps(
        {
            "rooms": [
                {"name": "茶", "members": 3, "topic": "at four"},
                {"name": "x" * 60, "members": 12, "password": True},
            ]
        }
    ).encode()
    assert main(["rooms", server]) == 0
    head, tea, long = capsys.readouterr().out.splitlines()
    assert head.split() == ["Room", "Members", "Access", "Topic"]
    assert (tea.split(), tea.index("at four") + 1) == (["茶", "3", "at", "four"], head.index("Topic"))
    assert long.split()[:2] == ["x" * 60, "12"]
    assert tea.index("3") + 1 == head.index("Members") + len("Members") - 1, "numbers end below each other"


def test_rooms_are_json_for_programs(backstage: Backstage, capsys: Captured) -> None:
    _, server = backstage.relay()
    assert main(["rooms", server, "--json"]) == 0
    (room,) = json.loads(capsys.readouterr().out)
    assert (room["name"], room["members"], room["topic"]) == ("tea", 3, "at four")


@pytest.mark.parametrize(
    ("rooms", "verdict", "code", "said"),
    [
        (b'{"rooms":[]}', Status.OK, 0, "No rooms are open."),
        (b"", Status.NOT_SUPPORTED, 2, "lists no rooms"),
        (b"", Status.BUSY, 1, "busy"),
    ],
)
def test_why_there_are_no_rooms_is_said(
    backstage: Backstage, capsys: Captured, rooms: bytes, verdict: Status, code: int, said: str
) -> None:
    relay, server = backstage.relay()
    relay.rooms, relay.verdict = rooms, verdict
    assert main(["rooms", server]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("chat: ")
    assert said in output.err


def test_a_relay_that_is_not_there_is_said(capsys: Captured) -> None:
    for arguments in (["rooms"], ["join", "demo", "--name", "ann", "--server"]):
        assert main([*arguments, "127.0.0.1:1"]) == 1
        assert "127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.slow
def test_lines_in_are_said_and_what_is_said_are_lines_out(
    backstage: Backstage, capsys: Captured, monkeypatch: pytest.MonkeyPatch, home: Path, type_in: Typing
) -> None:
    relay, server = backstage.relay()
    (home / "password").write_text("sesame\n")
    type_in("hello\n")
    monkeypatch.setattr("messenger.cli.pipe._LINGER_SECONDS", 1.0)
    code = main(
        ["create", "--server", server, "--password-file", os.fspath(home / "password"), "demo", "--name", "ann"]
    )
    output = capsys.readouterr()
    assert (code, asked(relay.received)) == (0, (Operation.CREATE, "demo", "ann", "sesame"))
    assert backstage.heard(relay)[0] == b""  # it says that it is there
    assert "echo: hello" in output.out.splitlines()
    assert "You created demo" in output.err


@pytest.mark.parametrize(
    ("verdict", "said"),
    [(Status.WRONG_PASSWORD, "use --password-file FILE"), (Status.NO_SUCH_ROOM, "chat: ")],
)
def test_a_refusal_is_said(backstage: Backstage, capsys: Captured, type_in: Typing, verdict: Status, said: str) -> None:
    relay, server = backstage.relay()
    relay.verdict = verdict
    type_in("hello\n")
    assert main(["join", "--server", server, "demo", "--name", "ann"]) == 1
    assert asked(relay.received)[3] is None
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert said in output.err


def test_a_password_cannot_be_asked_for_without_a_terminal(capsys: Captured, type_in: Typing) -> None:
    type_in("hello\n")
    assert main(["join", "--password", "--server", "127.0.0.1:1", "demo", "--name", "ann"]) == 2
    assert "--password needs a terminal" in capsys.readouterr().err


def test_a_stranger_is_sent_nothing_until_the_fingerprint_is_given(
    backstage: Backstage, capsys: Captured, type_in: Typing, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    context = authority.context()
    relay, server = backstage.relay(tls=context)
    fingerprint = authority.renew(context)
    type_in("")
    assert main(["join", "--tls", "--server", server, "demo", "--name", "ann"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"chat: The certificate of the relay at {server} isn't trusted (")
    assert f"{fingerprint}; if so, use --fingerprint." in said
    assert relay.received == b""
    assert main(["rooms", server, "--fingerprint", fingerprint]) == 0
    assert "tea" in capsys.readouterr().out


def test_a_certificate_that_changed_is_loud(backstage: Backstage, capsys: Captured, tmp_path: Path) -> None:
    from messenger.store.known_servers import KnownServers, default_path  # noqa: PLC0415 - where home is now

    authority = Authority(tmp_path)
    context = authority.context()
    relay, server = backstage.relay(tls=context)
    now = authority.renew(context)
    before = ":".join(["AB"] * 32)
    KnownServers(default_path()).remember(server, before)
    assert main(["rooms", server, "--tls"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"chat: STOP: the certificate of the relay at {server} has changed.")
    assert said.index(before) < said.index(now)
    assert os.fspath(default_path()) in said
    assert relay.received == b""
