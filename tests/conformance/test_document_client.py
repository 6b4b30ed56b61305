"""The client in docs/protocol.md chats through the relay as it stands there."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from conformance.conftest import StartRelay
from conformance.relays import Relay
from ports import free_ports

pytestmark = pytest.mark.level("extension")

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"


def save_client(section: str, folder: Path) -> Path:
    """Take the client out of a section of the document, and return where it is."""
    _, _, text = DOCUMENT.read_text(encoding="utf-8").partition(f"\n## {section}\n")
    (source,) = re.findall(r"^```python\n(.+?)^```$", text.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    path = folder / "client.py"
    path.write_text(source, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_client("A complete client", tmp_path_factory.mktemp("client"))


class Chatter:
    """A person in front of the client."""

    def __init__(
        self, client: Path, relay: Relay, verb: str, room: bytes, name: str, *options: str, **variables: str
    ) -> None:
        command = [sys.executable, str(client), relay.host, str(relay.tcp_port), verb, room.decode(), name, *options]
        self.process = subprocess.Popen(
            command,
            env=os.environ | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
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


@pytest.mark.requirement("EVI-03", "UDP-11", "UDP-12")
def test_it_passes_its_own_checklist(client: Path) -> None:
    """Answer a challenge unseen, and print no control characters, whatever relay it is that sends them."""
    tcp_port, udp_port = free_ports(2)
    with socket.create_server(("127.0.0.1", tcp_port)) as server, socket.socket(type=socket.SOCK_DGRAM) as udp:
        for each in (server, udp):
            each.settimeout(20)
        udp.bind(("127.0.0.1", udp_port))
        ann = Chatter(client, Relay("127.0.0.1", tcp_port, udp_port, 0), "create", b"lab", "ann")
        try:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                for state, payload in ((1, b"\0"), (2, b"token")):
                    connection.sendall(bytes([3, 1, state]) + len(payload).to_bytes(29, "big") + b"lab" + payload)
            header = b"\x03\x05labtoken"
            here, address = udp.recvfrom(4096)
            assert here == header
            udp.sendto(b"server: can you hear me? /here 0123456789abcdef", address)
            assert udp.recv(4096) == header + b"/here 0123456789abcdef"
            udp.sendto(b"bob: \x1b[2Jhi\x07", address)
            assert [ann.reads(), ann.reads()] == ["You are in lab.", "bob: \ufffd[2Jhi\ufffd"]
        finally:
            ann.process.kill()
            ann.process.communicate()
