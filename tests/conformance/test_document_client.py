"""The client in docs/protocol.md chats through the relay as it stands there."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from conformance.conftest import StartRelay
from conformance.relays import Relay

pytestmark = pytest.mark.level("extension")

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take the client out of the document."""
    (source,) = re.findall(r"^```python\n(.+?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    path = tmp_path_factory.mktemp("client") / "client.py"
    path.write_text(source, encoding="utf-8")
    return path


class Chatter:
    """A person in front of the client."""

    def __init__(self, client: Path, relay: Relay, verb: str, room: bytes, name: str) -> None:
        command = [sys.executable, str(client), relay.host, str(relay.tcp_port), verb, room.decode(), name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
        )

    def type(self, line: str) -> None:
        stdin = _there(self.process.stdin)
        stdin.write(line + "\n")
        stdin.flush()

    def reads(self) -> str:
        return _there(self.process.stdout).readline().rstrip("\n")

    def close(self) -> tuple[int, str]:
        """End the input; returns the exit code and what went wrong."""
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


def _there(stream: IO[str] | None) -> IO[str]:
    assert stream
    return stream


@pytest.fixture
def chatters(client: Path, start_relay: StartRelay, room: bytes) -> Iterator[tuple[Chatter, Chatter]]:
    relay = start_relay().relay
    ann = Chatter(client, relay, "create", room, "ann")
    assert ann.reads() == f"You are in {room.decode()}."
    bob = Chatter(client, relay, "join", room, "bob")
    assert bob.reads() == f"You are in {room.decode()}."
    yield ann, bob
    for chatter in (ann, bob):
        chatter.process.kill()
        chatter.process.communicate()


@pytest.mark.requirement("TCP-01", "UDP-01", "UDP-05", "UDP-08")
def test_two_people_chat_with_it(chatters: tuple[Chatter, Chatter]) -> None:
    ann, bob = chatters
    assert ann.reads() == "server: bob joined"
    bob.type("こんにちは")
    assert ann.reads() == "bob: こんにちは"
    ann.type("hi")
    assert bob.reads() == "ann: hi"
    assert bob.close() == (0, "")
    assert ann.reads() == "server: bob left"
    assert ann.close() == (0, "")


@pytest.mark.requirement("TCP-06", "TCP-10")
def test_it_says_when_it_is_refused(client: Path, start_relay: StartRelay, room: bytes) -> None:
    refused = Chatter(client, start_relay().relay, "join", room, "ann")
    assert refused.close() == (1, "The relay refused: status 2.\n")
