"""A relay that is built is whole: its counters are settled at each scrape, and a start that fails leaves nothing."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import h11
import pytest

from chatproto import Advice
from e2e.relay_metrics import Metrics
from ports import free_ports
from relay_server.core.audience import Outgoing
from relay_server.net.crowds import CROWD
from relay_server.net.sockets import ListenError
from relay_server.parts import Parts, build
from relay_server.settings import Settings
from services.relay_server.net.loopback import address_of, udp_peer
from services.relay_server.net.udp_chat import audience_at

if TYPE_CHECKING:
    from relay_server.net.udp import Chat


def settings(tmp_path: Path, **changes: object) -> Settings:
    names = ("tcp_port", "udp_port", "lobby_port", "ops_port")
    ports: dict[str, object] = dict(zip(names, free_ports(4), strict=True))
    fixed: dict[str, object] = {"host": "127.0.0.1", "web_port": 0, "admin_socket": str(tmp_path / "admin.sock")}
    return Settings(**fixed | ports | changes)  # type: ignore[arg-type]


@contextmanager
def built(chosen: Settings) -> Iterator[Parts]:
    parts = build(chosen)
    try:
        yield parts
    finally:
        parts.tcp.close()
        for port in parts.udp:
            port.close()
        for sock in (parts.sockets.tcp, parts.sockets.ops, parts.sockets.admin and parts.sockets.admin.sock):
            if sock:
                sock.close()


def scrape(parts: Parts) -> Metrics:
    assert parts.ops
    reply = parts.ops.reply_to(h11.Request(method="GET", target="/metrics", headers=[("Host", "localhost")]))
    assert reply.status == 200
    return Metrics(reply.body.decode())


@pytest.mark.requirement("CON-02")
def test_a_scrape_counts_what_waited_as_sent(tmp_path: Path) -> None:
    async def scenario() -> None:
        with built(settings(tmp_path)) as parts, udp_peer() as eve:
            crowd = audience_at(*[address_of(eve)] * (CROWD + 1))
            chats: tuple[Chat, ...] = (parts.registry, parts.lobby)
            for chat, port in zip(chats, parts.udp, strict=True):
                chat.outbox.append(Outgoing(Advice("notice"), crowd))
                port.start()
                port.flush()
                assert chat.counters.notices_sent == 0  # a crowd waits for its turn
            counted = scrape(parts)
            assert counted.value("relay_notices_sent_total") == CROWD + 1
            assert counted.value("relay_lobby_notices_sent_total") == CROWD + 1

    asyncio.run(scenario())


def test_a_scrape_reads_what_is_true_then(tmp_path: Path) -> None:
    async def scenario() -> None:
        with built(settings(tmp_path)) as parts:
            assert scrape(parts).value("relay_rooms") == 0
            parts.registry.create_room(b"tea", "ann", b"token", bytes(16), 0.0)
            assert [scrape(parts).value(f"relay_{what}") for what in ("rooms", "members")] == [1, 1]
            parts.registry.shut_down()
            assert [scrape(parts).value(f"relay_{what}") for what in ("rooms", "members")] == [0, 0]

    asyncio.run(scenario())


@pytest.mark.parametrize("busy", ["tcp_port", "udp_port", "lobby_port", "ops_port"])
def test_a_start_that_fails_leaves_no_port_taken(tmp_path: Path, busy: str) -> None:
    async def scenario() -> None:
        chosen = settings(tmp_path)
        kind = socket.SOCK_DGRAM if busy in {"udp_port", "lobby_port"} else socket.SOCK_STREAM
        with socket.socket(type=kind) as other:
            other.bind(("127.0.0.1", getattr(chosen, busy)))
            with pytest.raises(ListenError):
                build(chosen)
        with built(chosen):  # all the others can be had again
            pass

    asyncio.run(scenario())


def test_what_is_turned_off_isnt_built(tmp_path: Path) -> None:
    async def scenario() -> None:
        with built(settings(tmp_path, lobby_port=0, ops_port=0, admin_socket="")) as parts:
            assert len(parts.udp) == 1
            assert (parts.ops, parts.admin, parts.tls) == (None, None, None)

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.requirement("WEB-01")
@pytest.mark.parametrize("loads", [False, True])
def test_without_a_web_port_nothing_of_it_is_loaded(*, loads: bool) -> None:
    names = ("tcp_port", "udp_port", "web_port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    values = {"host": "127.0.0.1", "lobby_port": 0, "ops_port": 0, "admin_socket": ""} | ports
    program = (
        "import asyncio, sys\n"
        "from relay_server.parts import build\n"
        "from relay_server.settings import Settings\n"
        "async def start():\n"
        f"    build(Settings(**{values if loads else values | {'web_port': 0}}))\n"
        "asyncio.run(start())\n"
        "print(sorted({'websockets', 'h11', 'web_client', 'relay_server.web'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(["h11", "relay_server.web", "web_client", "websockets"] if loads else [])
