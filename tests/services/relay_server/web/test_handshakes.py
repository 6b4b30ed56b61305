"""Who may open a WebSocket, by origin and by address (WEB-03; threats N9 and N11)."""

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from relay_server.core.address import parse_ip
from relay_server.core.counters import HandshakeRefusal
from services.relay_server.net.loopback import Run, until
from services.relay_server.web.web_relay import FOREIGN_ORIGINS, HOST, WebRelay, web_relay

pytestmark = pytest.mark.requirement("WEB-03")


async def _status(relay: WebRelay, origin: str | None, **headers: str) -> int:
    try:
        socket = await relay.open(origin.format(port=relay.port) if origin else origin, **headers)
    except InvalidStatus as refused:
        return refused.response.status_code
    await socket.close()
    return 101


def test_pages_of_other_sites_may_not_chat(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            assert [await _status(relay, origin) for origin in FOREIGN_ORIGINS] == [403] * len(FOREIGN_ORIGINS)
            counters = relay.web.counters
            assert counters.refusals[HandshakeRefusal.ORIGIN] == counters.statuses[403] == len(FOREIGN_ORIGINS)
            assert await _status(relay, "http://127.0.0.1:{port}") == 101
            assert await _status(relay, "HTTP://127.0.0.1:{port}") == 101

    run(scenario)


def test_origins_that_the_operator_names_may() -> None:
    async def scenario() -> None:
        async with web_relay(web_origins="https://Chat.example.org, http://example.net:8080") as relay:
            for origin, status in (
                ("https://chat.example.org", 101),
                ("https://chat.example.org:443", 101),
                ("http://chat.example.org", 403),
                ("https://a.chat.example.org", 403),
                ("http://example.net:8080", 101),
                ("http://example.net", 403),
            ):
                assert await _status(relay, origin) == status, origin

    asyncio.run(scenario())


def test_two_origins_are_none() -> None:
    async def scenario() -> None:
        async with web_relay() as relay, await relay.call() as caller:
            caller.writer.write(
                f"GET /chat HTTP/1.1\r\nHost: {HOST}:{relay.port}\r\nOrigin: {relay.origin}\r\n"
                f"Origin: {relay.origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n\r\n".encode()
            )
            assert (await caller.answer())[0] == 403

    asyncio.run(scenario())


def test_what_no_trusted_proxy_says_of_addresses_doesnt_count(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay(max_members_per_address=2, web_trusted_proxies="192.0.2.0/24") as relay:
            forged = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
            assert (await relay.page("ann", create=True, headers=forged)).answer["reason"] == "ok"
            assert (await relay.page("bob", headers=forged)).answer["reason"] == "ok"
            assert {m.ip for m in relay.parts.registry.rooms[b"tea"].members} == {parse_ip(HOST)}
            other = {"X-Forwarded-For": "203.0.113.9"}
            assert (await relay.page("eve", headers=other)).answer["reason"] == "too_many"

    run(scenario)


def test_a_trusted_proxy_says_who_is_whose(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay(max_members_per_address=1, web_trusted_proxies="127.0.0.1, 10.0.0.0/8") as relay:
            ann = await relay.page("ann", create=True, headers={"X-Forwarded-For": "198.51.100.1"})
            bob = await relay.page("bob", headers={"X-Forwarded-For": "1.1.1.1, 198.51.100.2, 10.1.2.3"})
            assert bob.answer["reason"] == "ok"
            found = {member.name: member.ip for member in relay.parts.registry.rooms[b"tea"].members}
            assert found == {"ann": parse_ip("198.51.100.1"), "bob": parse_ip("198.51.100.2")}
            forged = {"X-Forwarded-For": "203.0.113.5, 198.51.100.2"}
            assert (await relay.page("eve", headers=forged)).answer["reason"] == "too_many"
            await ann.say("/ban bob", 1)
            await until(lambda: len(relay.parts.registry.rooms[b"tea"].members) == 1)
            banned = await relay.page("other", headers=forged)
            assert (banned.answer["reason"], banned.answer["banned"]) == ("bad_name", True)
            assert (await relay.page("other", headers={"X-Forwarded-For": "[2001:db8::1]:443"})).answer["status"] == 0

    run(scenario)


def test_a_proxy_that_names_no_address_is_told_so() -> None:
    async def scenario() -> None:
        async with web_relay(web_trusted_proxies="127.0.0.1") as relay:
            assert (await relay.get(X_Forwarded_For="unknown"))[0] == 400
            assert (await relay.get())[0] == 200

    asyncio.run(scenario())


def test_a_trusted_proxys_scheme_counts_for_origin_and_tls(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay(web_trusted_proxies="127.0.0.1") as relay:
            origin = f"https://{HOST}:{relay.port}"
            assert await _status(relay, origin) == 403
            assert await _status(relay, origin, X_Forwarded_Proto="https") == 101
            assert await _status(relay, origin, X_Forwarded_Proto="http, https") == 101
            assert await _status(relay, origin, X_Forwarded_Proto="https, http") == 403

    run(scenario)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 426),
        ({"connection": "Upgrade", "upgrade": "h2c"}, 426),
        ({"connection": "Upgrade", "upgrade": "websocket"}, 400),
        ({"connection": "Upgrade", "upgrade": "websocket", "sec_websocket_key": "A"}, 400),
        (
            {
                "connection": "Upgrade", "upgrade": "websocket", "sec_websocket_key": "A" * 22 + "==",
                "sec_websocket_version": "8",
            },
            400,
        ),
    ],
)  # fmt: skip
def test_what_is_no_handshake_is_told_so(headers: dict[str, str], status: int) -> None:
    async def scenario() -> None:
        async with web_relay() as relay, await relay.call() as caller:
            answer = await caller.ask("/chat", host=f"{HOST}:{relay.port}", origin=relay.origin, **headers)
            assert answer[0] == status
            assert relay.web.counters.refusals[HandshakeRefusal.HANDSHAKE] == 1

    asyncio.run(scenario())
