"""HTTP on the web port: the page's files, and limits for whoever asks (WEB-01, WEB-04; threat N12)."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from relay_server.core.address import parse_ip
from relay_server.net.connection_slots import ConnectionSlots
from relay_server.settings import Settings
from relay_server.web.port import CONNECTIONS_PER_PAGE, REQUEST_BURST
from services.relay_server.net.loopback import Run, until
from services.relay_server.tls import certificates
from services.relay_server.web.web_relay import HOST, WebRelay, web_relay
from web_client import page_files

FILES = page_files()


@pytest.mark.requirement("WEB-01", "WEB-04")
def test_every_file_of_the_page_is_served_with_its_type_and_headers(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            for path, body in FILES.items():
                status, headers, got = await relay.get(f"/{path}")
                assert (status, got) == (200, body)
                policy = headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["referrer-policy"] == "no-referrer"
                assert headers["cross-origin-opener-policy"] == "same-origin"
                assert headers["content-type"] != "application/octet-stream"
            assert (await relay.get("/"))[2] == FILES["index.html"]
            assert (await relay.get("/?x=1"))[2] == FILES["index.html"]

    run(scenario)


@pytest.mark.requirement("WEB-04")
def test_a_file_that_a_browser_has_isnt_sent_again(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            tag = (await relay.get())[1]["etag"]
            assert (await relay.get(if_none_match=tag))[0] == 304
            assert (await relay.get(if_none_match=f'"other", W/{tag}'))[0] == 304
            assert (await relay.get(if_none_match='"other"'))[0] == 200

    run(scenario)


def test_one_connection_asks_many_times(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay() as relay, await relay.call() as caller:
            for _ in range(50):
                assert (await caller.ask("/", host="localhost"))[2] == FILES["index.html"]
            status, headers, body = await caller.ask("/", "HEAD", host="localhost")
            assert (status, body) == (200, b"")
            assert int(headers["content-length"]) == len(FILES["index.html"])

    run(scenario)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 405),
        ("OPTIONS", "/", 405),
        ("PUT", "/index.html", 405),
        ("GET", "/nothing", 404),
        ("GET", "/../pyproject.toml", 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404),
        ("GET", "/..%2f..%2fetc/passwd", 404),
        ("GET", "//etc/passwd", 404),
        ("GET", "/index.html%00.js", 404),
        ("GET", "/%ff%fe", 404),
        ("GET", "http://127.0.0.1/etc/passwd", 404),
        ("GET", "*", 404),
        ("GET", "/rooms", 404),
    ],
)
def test_what_isnt_there_is_told_so(method: str, path: str, status: int) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            answer = await relay.get(path, method)
            assert answer[0] == status
            assert relay.web.counters.statuses[status] == 1

    asyncio.run(scenario())


SMUGGLED = (
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"
)
BAD = [
    b"GARBAGE\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",  # without Host
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
    b"GET /" + b"y" * 20_000,
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    SMUGGLED,
    b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET /chat HTTP/1.1\r\nHost: a\r\nOrigin: \x1c\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x00" * 300,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300,
]


@pytest.mark.slow
@pytest.mark.parametrize("request_", BAD)
def test_what_is_no_request_ends_the_connection(request_: bytes) -> None:
    async def scenario() -> None:
        async with web_relay(transaction_timeout_seconds=1) as relay, await relay.call() as caller:
            caller.writer.write(request_)
            answer = await caller.rest()
            assert answer.count(b"HTTP/1.1 ") <= 1  # nothing is taken for a second request
            assert (await relay.get())[0] == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_a_request_that_never_becomes_whole_is_given_up(run: Run, begun: bytes) -> None:
    async def scenario() -> None:
        async with web_relay(transaction_timeout_seconds=0.2) as relay, await relay.call() as caller:
            caller.writer.write(begun)
            assert await caller.rest() == b""
            await until(lambda: relay.web.open_connections == 0)

    run(scenario)


def test_a_handshake_without_a_join_is_given_up(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay(transaction_timeout_seconds=0.2) as relay:
            socket = await relay.open()
            assert '"malformed"' in str(await socket.recv())
            await socket.wait_closed()
            assert socket.close_code == 1000
            await until(lambda: relay.web.open_connections == 0)

    run(scenario)


def test_connections_beyond_an_addresss_share_are_told_so() -> None:
    async def scenario() -> None:
        async with web_relay(max_transactions_per_address=3) as relay:
            share = 3 * CONNECTIONS_PER_PAGE
            callers = [await relay.call() for _ in range(share)]
            await until(lambda: relay.web.open_connections == share)
            async with await relay.call() as last:
                assert b" 429 " in await last.rest()
            for caller in callers:
                await caller.close()
            await until(lambda: relay.web.open_connections == 0)
            assert (await relay.get())[0] == 200

    asyncio.run(scenario())


def test_who_connects_too_often_is_cut() -> None:
    async def scenario() -> None:
        async with web_relay(join_rate=0.2) as relay:  # one at once
            for _ in range(CONNECTIONS_PER_PAGE):
                assert (await relay.get())[0] == 200
            async with await relay.call() as last:
                assert await last.rest() == b""

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_class_may_open_the_page_together() -> None:
    """Sixty browsers behind one address, by default limits: seven connections and some fifty requests of each."""
    limits = ("join_rate", "max_transactions_per_address")
    defaults = {name: Settings.model_fields[name].default for name in limits}

    async def scenario() -> None:
        async with web_relay(transaction_timeout_seconds=60, **defaults) as relay:
            callers = [await relay.call() for _ in range(60 * 7)]
            for caller in callers:
                for _ in range(7):
                    assert (await caller.ask("/js/main.js", host="a"))[0] == 200
            for caller in callers:
                await caller.close()

    asyncio.run(scenario())


def test_idle_connections_yield_to_who_comes() -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            relay.web.connections = ConnectionSlots(5, 0)
            callers = [await relay.call() for _ in range(10)]
            await until(lambda: relay.web.open_connections == 5)
            assert (await relay.get())[0] == 200
            for caller in callers:
                await caller.close()

    asyncio.run(scenario())


def test_who_asks_too_often_is_told_so() -> None:
    async def scenario() -> None:
        async with web_relay() as relay, await relay.call() as caller:
            statuses = [(await caller.ask("/nothing", host="a"))[0] for _ in range(50)]
            assert set(statuses) == {404}
            assert REQUEST_BURST > 50
            assert await _ask_too_often(relay, lambda: caller.ask("/", host="a")) == 429

    asyncio.run(scenario())


async def _ask_too_often(relay: WebRelay, ask: Callable[[], Awaitable[tuple[int, dict[str, str], bytes]]]) -> int:
    """Use up what this machine's address may ask, and ask; returns the status."""
    status = 200
    while status == 200:  # a slow machine's address may ask once more meanwhile
        while relay.web.may_ask(parse_ip(HOST)):
            pass
        status = (await ask())[0]
    return status


def test_who_doesnt_read_its_answers_is_cut() -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            relay.web.site._files["/large"] = relay.web.site._files["/index.html"]._replace(body=b"x" * 20_000_000)
            async with await relay.call() as caller:
                caller.writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
                await until(lambda: relay.web.counters.statuses[200])
                caller.writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
                await until(lambda: relay.web.open_connections == 0)
                assert relay.web.counters.statuses[200] == 1

    asyncio.run(scenario())


@pytest.mark.requirement("WEB-01")
def test_whoever_wants_a_head_gets_no_body_whatever_the_answer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            for path, status, headers in (
                ("/", 200, {}),
                ("/rooms", 404, {}),
                ("/nothing", 404, {}),
                ("/chat", 403, {}),
                ("/chat", 405, {"origin": relay.origin}),
            ):
                assert (await relay.get(path, "HEAD", **headers))[0] == status, path
            async with await relay.call() as caller:
                assert (await caller.ask("/", "HEAD", host="evil.example"))[0] == 421
                assert await caller.rest() == b""
            assert await _ask_too_often(relay, lambda: relay.get("/", "HEAD")) == 429
        async with web_relay(**_encrypted(tmp_path)) as relay:
            assert (await relay.get("/", "HEAD"))[0] == 307

    asyncio.run(scenario())


@pytest.mark.requirement("WEB-01")
def test_a_request_without_a_host_is_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        for settings, status in (({}, 200), (_encrypted(tmp_path), 400)):
            async with web_relay(**settings) as relay, await relay.call() as caller:
                caller.writer.write(b"GET / HTTP/1.0\r\n\r\n")
                assert (await caller.answer())[0] == status

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.requirement("WEB-01")
def test_any_mixture_of_legal_parts_is_answered(tmp_path: Path) -> None:
    chance = random.Random(1)
    parts: list[list[str]] = [
        ["GET", "HEAD", "POST", "OPTIONS", "CONNECT", "PUT", "BREW"],
        ["/", "/chat", "/rooms", "/none", "*", "http://a/", "a:80", "/%ff", "//", "/chat?x"],
        ["HTTP/1.1", "HTTP/1.0"],
        ["", "Host: localhost", "Host: evil.example", "Host:", "Host: \u00e9"],
        [
            "",
            "Connection: close",
            "Connection: Upgrade\r\nUpgrade: websocket",
            "Upgrade: websocket",
            "Connection: keep-alive",
        ],
        ["", "Origin: null", "Origin: http://localhost"],
        ["", "Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Expect: 100-continue"],
    ]

    async def scenario() -> None:
        for settings in ({}, _encrypted(tmp_path)):
            async with web_relay(**settings, transaction_timeout_seconds=0.5) as relay:
                for _ in range(1000):
                    method, path, version, *lines = (chance.choice(words) for words in parts)
                    head = "\r\n".join([f"{method} {path} {version}", *filter(None, lines)])
                    async with await relay.call() as caller:
                        caller.writer.write(head.encode("latin-1") + b"\r\n\r\n")
                        assert (await caller.reader.readline()).startswith(b"HTTP/1.1 "), head

    asyncio.run(scenario())


def _encrypted(tmp_path: Path) -> dict[str, str]:
    files = certificates.issue(tmp_path)
    return {"tls_cert_file": str(files.certificate), "tls_key_file": str(files.key)}


@pytest.mark.requirement("WEB-01")
def test_with_a_certificate_a_plain_request_is_sent_to_https(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with web_relay(**_encrypted(tmp_path)) as relay:
            status, headers, _ = await relay.get("/rooms?x")
            assert (status, headers["location"]) == (307, f"https://{HOST}:{relay.port}/rooms?x")
            assert relay.web.link("::", 9080) == "https://localhost:9080/"

    asyncio.run(scenario())


@pytest.mark.requirement("WEB-01")
def test_behind_a_proxy_the_relay_leaves_tls_to_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with web_relay(**_encrypted(tmp_path), web_tls="off") as relay:
            assert (await relay.get())[0] == 200

    asyncio.run(scenario())


@pytest.mark.requirement("LIST-01")
def test_rooms_are_listed_if_the_operator_wants_it(run: Run) -> None:
    async def scenario() -> None:
        async with web_relay(list_rooms=True) as relay:
            status, headers, body = await relay.get("/rooms")
            assert (status, headers["content-type"]) == (200, "application/json")
            assert body == b'{"rooms":[]}'

    run(scenario)


async def _ask(relay: WebRelay) -> int:
    return (await relay.get())[0]


def test_an_answer_that_fails_is_told_and_people_chat_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with web_relay() as relay:
            errors: list[Exception] = []
            monkeypatch.setattr(relay.web, "on_error", errors.append)
            monkeypatch.setattr(relay.web.site, "reply_to", None)
            assert await _ask(relay) == 500
            assert len(errors) == 1
            assert (await relay.page("ann", create=True)).answer["status"] == 0

    asyncio.run(scenario())
