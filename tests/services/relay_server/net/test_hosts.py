"""Which names a request may call this machine by."""

import socket
import threading

import pytest

from relay_server.net.hosts import OwnNames


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> OwnNames:
    monkeypatch.setattr(socket, "gethostname", lambda: "box.Example.net")
    return OwnNames("relay.example.org")


def accepts(names: OwnNames, host: str) -> bool:
    return names.accept([(b"accept", b"evil.example"), (b"host", host.encode("latin-1"))])


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST:9100", "relay", "relay:9100", "127.0.0.1", "127.0.0.1:9100", "192.0.2.1:80",
        "[::1]", "[::1]:9100", "[2001:db8::1]:9100", "relay.example.org", "Relay.Example.Org.:9100",
        "box.example.net:9100", "host.docker.internal:9100", "relay.localhost", "relay.local:9080",
        "relay.home.arpa", "",
    ],
)  # fmt: skip
def test_what_nobody_else_can_be_called_is_accepted(names: OwnNames, host: str) -> None:
    assert accepts(names, host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:9100", "evil.example.", "127.0.0.1.evil.example", "1.2.3",
        "relay.example.org.evil.example",
        "xrelay.example.org", "example.org", "internal.evil.example", "[evil.example]:9100", "caf\xe9.example",
    ],
)  # fmt: skip
def test_what_a_page_may_be_called_is_refused(names: OwnNames, host: str) -> None:
    assert not accepts(names, host)


def test_of_two_names_each_must_be_ours(names: OwnNames) -> None:
    assert not names.accept([(b"host", b"localhost"), (b"host", b"evil.example")])


def test_a_program_may_leave_the_name_out(names: OwnNames) -> None:
    assert names.accept([])


def test_the_full_name_is_learned_aside(names: OwnNames, monkeypatch: pytest.MonkeyPatch) -> None:
    may_answer = threading.Event()

    def slow_name() -> str:
        may_answer.wait()
        return "box.full.example"

    monkeypatch.setattr(socket, "getfqdn", slow_name)
    thread = names.learn_full_name()
    assert not accepts(names, "box.full.example:9100")
    may_answer.set()
    thread.join()
    assert accepts(names, "box.full.example:9100")
