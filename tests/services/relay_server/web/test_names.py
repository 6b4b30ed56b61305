"""By which names a relay lets itself be called: no page may give it another one (WEB-06; DNS rebinding)."""

import asyncio

import pytest

from relay_server.core.counters import HandshakeRefusal
from services.relay_server.net.loopback import Run
from services.relay_server.web.web_relay import HOST, WebRelay, web_relay

pytestmark = pytest.mark.requirement("WEB-06")
LINK = "https://chat.example.org"


async def _asked(relay: WebRelay, name: str, path: str = "/", **headers: str) -> int:
    """Ask as a page does that calls the relay by this name; returns the status."""
    async with await relay.call() as caller:
        place = f"{name}:{relay.port}"
        if path == "/chat":
            headers |= {
                "connection": "Upgrade", "upgrade": "websocket", "sec_websocket_key": "A" * 22 + "==",
                "sec_websocket_version": "13",
            }  # fmt: skip
        status, _, _ = await caller.ask(path, host=place, origin=f"http://{place}", **headers)
        return status


def test_a_page_that_gives_the_relay_a_name_of_its_own_gets_nothing(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay(list_rooms=True) as relay:
            for path in ("/", "/rooms", "/chat", "/js/app.js"):
                assert await _asked(relay, "evil.example", path) == 421, path
            assert relay.web.counters.refusals[HandshakeRefusal.ORIGIN] == 1
            for name in (HOST, "localhost", "relay", "relay.local"):
                assert await _asked(relay, name, "/rooms") == 200, name
                assert await _asked(relay, name, "/chat") == 101, name

    run(scenario)


def test_the_name_that_the_operator_tells_is_the_relays_own() -> None:
    async def scenario() -> None:
        async with web_relay(web_url=LINK) as relay:
            assert relay.web.link("::", relay.port) == f"{LINK}/"
            assert await _asked(relay, "chat.example.org", "/chat") == 101
            assert await _asked(relay, "evil.example", "/chat") == 421

    asyncio.run(scenario())


@pytest.mark.requirement("WEB-05", "WEB-06")
@pytest.mark.parametrize(
    ("url", "link", "told"),
    [
        ("chat.example.org:8080", "http://chat.example.org:8080/", "http://chat.example.org:8080/#port=30900"),
        ("localhost:9080", "http://localhost:9080/", None),
    ],
)
def test_where_people_open_the_page_is_printed_and_told_if_it_leads_here_from_elsewhere(
    url: str, link: str, told: str | None
) -> None:
    async def scenario() -> None:
        async with web_relay(web_url=f"{url}/#port=30900") as relay:
            assert relay.web.link("::", relay.port) == link
            assert (await relay.page("ann", create=True)).answer.get("web") == told
            assert await _asked(relay, url.partition(":")[0]) == 200

    asyncio.run(scenario())


def test_from_the_internet_and_by_tls_any_name_will_do() -> None:
    async def scenario() -> None:
        async with web_relay(web_trusted_proxies=HOST) as relay:
            for address, scheme, status in (
                ("8.8.8.8", "http", 200),
                ("2001:4860:4860::8888", "http", 200),
                ("192.168.1.5", "http", 421),
                ("100.64.1.5", "http", 421),
                ("fd00::5", "http", 421),
                ("192.168.1.5", "https", 200),
            ):
                said = {"X_Forwarded_For": address, "X_Forwarded_Proto": scheme}
                assert await _asked(relay, "chat.example.org", **said) == status, address

    asyncio.run(scenario())
