"""Pages of other sites, browsers that say they are elsewhere, and what no browser sends (threats N9, N11 to N14)."""

import json
import socket
import urllib.request
from contextlib import suppress
from itertools import islice
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from conformance.wire import WAIT_SECONDS
from e2e.relay_metrics import scrape
from faults.conftest import Chance
from faults.pages import Pages
from faults.process import resident_kib
from faults.relays import StartRelay, check_gone
from faults.weakened_web import (
    let_http_errors_out,
    list_hidden_rooms,
    take_anybody_for_a_proxy,
    take_every_page_for_own,
    take_messages_of_any_length,
)
from fuzz.mutations import mutate
from ports import free_ports
from services.relay_server.web.web_relay import FOREIGN_ORIGINS

SHARE = 64
"""The default of RELAY_MAX_MEMBERS_PER_ADDRESS."""
TOO_MANY = 7
FORGED: tuple[dict[str, str], ...] = (
    {},
    {"X_Forwarded_For": "198.51.100.7"},
    {"X_Forwarded_For": "203.0.113.1, 198.51.100.8"},
    {"Forwarded": "for=198.51.100.9"},
    {"X_Real_IP": "198.51.100.10"},
)
HEADERS = (
    b" HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
JOIN = Frame(Opcode.TEXT, b'{"join":{"room":"demo","name":"eve","create":true}}').serialize(mask=True)
REQUESTS = [
    b"GET /chat"
    + HEADERS
    + b"\r\n"
    + Frame(Opcode.TEXT, b'{"join":{"room":"demo","name":"eve"}}').serialize(mask=True),
    b"GET /" + HEADERS + b"Content-Length: 3\r\n\r\nabc",
    b"HEAD /rooms" + HEADERS + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
]
WORDS = (b"\r\n", b"\r\n\r\n", b" ", b"\0", b"\xff" * 8, b"chunked", b"/chat", b"..", b"%2e", b"HTTP/1.0", b"\x81\xfe")
FUZZED = 2000
FRAGMENT = bytes(16_384)
FRAGMENTS = 2000
"""32 MiB in all."""


def web_port() -> int:
    (port,) = free_ports(1)
    return port


def test_no_page_of_another_site_chats(start_relay: StartRelay) -> None:
    port = web_port()
    start_relay(RELAY_WEB_PORT=str(port))
    with Pages(port) as pages:
        assert [pages.status(origin) for origin in FOREIGN_ORIGINS] == [403] * len(FOREIGN_ORIGINS)
        assert pages.status("http://127.0.0.1:{port}") == 101


def test_without_a_look_at_origins_they_would(start_relay: StartRelay) -> None:
    port = web_port()
    start_relay.weakened(take_every_page_for_own, RELAY_WEB_PORT=str(port))
    with Pages(port) as pages:
        assert {pages.status(origin) for origin in FOREIGN_ORIGINS} == {101}


def fill(pages: Pages) -> None:
    """Let as many browsers of this address join as may."""
    for number in range(SHARE):
        _, answer = pages.join("demo", f"m{number}", create=not number, headers=FORGED[number % len(FORGED)])
        assert answer["status"] == 0


def test_whoever_a_browser_speaks_for_caps_count_its_own_address(start_relay: StartRelay) -> None:
    port = web_port()
    start_relay(RELAY_WEB_PORT=str(port), RELAY_MAX_MEMBERS_PER_ADDRESS=str(SHARE))
    with Pages(port) as pages:
        fill(pages)
        for headers in FORGED:
            _, answer = pages.join("demo", "eve", headers=headers)
            assert (answer["status"], answer["reason"]) == (TOO_MANY, "too_many")
        _, answer = pages.join("demo", "eve", source="127.0.0.2")
        assert answer["status"] == 0


def ban_bob(pages: Pages) -> dict[str, Any]:
    """Ban a browser, and let it come back under other names and from where it says it is; returns the last answer."""
    host, _ = pages.join("demo", "ann", create=True)
    pages.join("demo", "bob", source="127.0.0.3", headers={"X_Forwarded_For": "198.51.100.1"})
    host.send('{"say":"/ban bob","n":1}')
    while json.loads(host.recv(WAIT_SECONDS)).get("notice") != "command_done":
        pass
    _, answer = pages.join("demo", "carl", source="127.0.0.3", headers={"X_Forwarded_For": "198.51.100.2"})
    return answer


def test_a_ban_holds_whoever_a_browser_speaks_for(start_relay: StartRelay) -> None:
    port = web_port()
    start_relay(RELAY_WEB_PORT=str(port))
    with Pages(port) as pages:
        assert ban_bob(pages)["banned"] is True


def test_if_everybody_counted_as_a_proxy_neither_would_hold(start_relay: StartRelay) -> None:
    port = web_port()
    start_relay.weakened(take_anybody_for_a_proxy, RELAY_WEB_PORT=str(port), RELAY_MAX_MEMBERS_PER_ADDRESS=str(SHARE))
    with Pages(port) as pages:
        assert ban_bob(pages)["status"] == 0
        for number in range(SHARE + 1):
            _, answer = pages.join("demo", f"m{number}", headers={"X_Forwarded_For": f"198.51.100.{number + 3}"})
            assert answer["status"] == 0


def send_nonsense(port: int, chance: Chance) -> None:
    """Send requests and frames that are almost right, and what isn't at all."""
    for data in islice(mutate(REQUESTS, WORDS, chance), FUZZED):
        with socket.create_connection(("127.0.0.1", port), WAIT_SECONDS) as browser, suppress(ConnectionError):
            browser.sendall(data)
            with suppress(OSError):  # it may be cut already
                browser.shutdown(socket.SHUT_WR)
            while browser.recv(65_536):
                pass


@pytest.mark.timeout(120)
def test_nonsense_finds_no_fault(start_relay: StartRelay, chance: Chance) -> None:
    port = web_port()
    own = start_relay(RELAY_WEB_PORT=str(port))
    send_nonsense(port, chance)
    assert own.process.poll() is None, own.said()
    assert scrape(own).total("relay_unexpected_errors_total") == 0
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=WAIT_SECONDS) as answer:
        assert answer.status == 200


@pytest.mark.timeout(120)
def test_if_errors_got_out_nonsense_would_end_the_relay(start_relay: StartRelay, chance: Chance) -> None:
    port = web_port()
    own = start_relay.weakened(let_http_errors_out, check_gone, RELAY_WEB_PORT=str(port))
    with pytest.raises(ConnectionError):  # reset, if it ends just then
        send_nonsense(port, chance)
    own.process.wait(WAIT_SECONDS)
    assert "RemoteProtocolError" in own.said()


def send_without_end(port: int) -> int:
    """Send a message that doesn't end; returns how many of its fragments were taken before the relay cut it."""
    frame = Frame(Opcode.CONT, FRAGMENT, fin=False).serialize(mask=True)
    with Pages(port) as pages:
        page, _ = pages.join("demo", "eve", create=True)
        page.socket.sendall(Frame(Opcode.TEXT, b'{"say":"', fin=False).serialize(mask=True))
        for sent in range(FRAGMENTS):
            try:
                page.socket.sendall(frame)
            except OSError:
                return sent
    return FRAGMENTS


def test_a_message_without_end_fills_no_memory(start_relay: StartRelay) -> None:
    port = web_port()
    own = start_relay(RELAY_WEB_PORT=str(port))
    before = resident_kib(own.process.pid)
    assert send_without_end(port) < FRAGMENTS
    assert resident_kib(own.process.pid) - before < 8192


def test_without_a_limit_it_would(start_relay: StartRelay) -> None:
    port = web_port()
    own = start_relay.weakened(take_messages_of_any_length, RELAY_WEB_PORT=str(port))
    before = resident_kib(own.process.pid)
    assert send_without_end(port) == FRAGMENTS
    assert resident_kib(own.process.pid) - before > 8192


def read_list(port: int, *, hidden: bool) -> bytes:
    """Make rooms, one of them with a password and a topic if ``hidden``; returns the list that has the last one."""
    with Pages(port) as pages:
        if hidden:
            host, _ = pages.join("vault", "bob", create=True, password="open sesame")
            host.send('{"say":"/topic where we meet","n":1}')
            while json.loads(host.recv(WAIT_SECONDS)).get("took") is None:
                pass
        pages.join("letters", "ann", create=True, sealed=True, features=["sealed"])
        pages.join("last", "ann", create=True)
        while b'"last"' not in (body := fetch_list(port)):  # it may be a second old
            pass
    return body


def fetch_list(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/rooms", timeout=WAIT_SECONDS) as answer:
        body: bytes = answer.read()
    return body


def test_the_list_says_the_same_with_a_hidden_room_and_without(start_relay: StartRelay) -> None:
    lists = []
    for hidden in (False, True):
        port = web_port()
        start_relay(RELAY_WEB_PORT=str(port), RELAY_LIST_ROOMS="true", RELAY_HIDE_ROOMS="true")
        lists.append(read_list(port, hidden=hidden))
    assert lists[0] == lists[1]


def test_a_list_of_all_rooms_would_tell(start_relay: StartRelay) -> None:
    port = web_port()
    start_relay.weakened(list_hidden_rooms, RELAY_WEB_PORT=str(port), RELAY_LIST_ROOMS="true", RELAY_HIDE_ROOMS="true")
    assert b"where we meet" in read_list(port, hidden=True)
