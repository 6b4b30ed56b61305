"""The operators' HTTP port, spoken to over real connections."""

import asyncio
import http.client
from collections.abc import Callable
from typing import NamedTuple

import pytest

from relay_server.net import loop
from relay_server.net.hosts import OwnNames
from relay_server.net.http import OpsServer, Page
from relay_server.net.sockets import listen_tcp
from services.relay_server.net.loopback import DEADLINE_SECONDS, port_of, until

PAGES: dict[str, Page] = {
    "/metrics": lambda: (200, "text/plain; version=1.0.0", b"relay_rooms 1\n"),
    "/healthz": lambda: (200, "text/plain", b"ok\n"),
    "/readyz": lambda: (503, "text/plain", b"shutting down\n"),
}


def failing() -> tuple[int, str, bytes]:
    raise ZeroDivisionError("a bug, planted")


class Answer(NamedTuple):
    status: int
    kind: str
    size: str
    body: bytes


def ask(port: int, method: str, path: str, body: bytes | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    try:
        connection.request(method, path, body=body)
        response = connection.getresponse()
        return Answer(
            response.status,
            response.headers["content-type"],
            response.headers["content-length"],
            response.read(),
        )
    finally:
        connection.close()


@pytest.fixture
def errors() -> list[Exception]:
    return []


@pytest.fixture(params=["uvloop", "asyncio"])
def answers(request: pytest.FixtureRequest, errors: list[Exception]) -> Callable[..., list[Answer]]:
    """Return a function that serves the pages on one of the event loops, and asks for some."""

    def serve(*questions: tuple[str, str]) -> list[Answer]:
        async def scenario() -> list[Answer]:
            sock = listen_tcp("127.0.0.1", 0)
            server = OpsServer(PAGES, errors.append, OwnNames("127.0.0.1"))
            serving = asyncio.create_task(server.run(sock))
            try:
                return [await asyncio.to_thread(ask, port_of(sock), *question) for question in questions]
            finally:
                server.stop()
                await asyncio.wait_for(serving, DEADLINE_SECONDS)

        return loop.run(scenario(), use_uvloop=request.param == "uvloop")

    return serve


def test_each_page_is_made_on_demand(answers: Callable[..., list[Answer]]) -> None:
    assert answers(("GET", "/metrics"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/healthz?verbose=1")) == [
        (200, "text/plain; version=1.0.0", "14", b"relay_rooms 1\n"),
        (200, "text/plain", "3", b"ok\n"),
        (503, "text/plain", "14", b"shutting down\n"),
        (200, "text/plain", "3", b"ok\n"),
    ]


def test_an_unknown_path_is_told_where_to_look(answers: Callable[..., list[Answer]]) -> None:
    for answer in answers(("GET", "/"), ("GET", "/metrics/"), ("POST", "/nothing"), ("GET", "/../etc/passwd")):
        assert (answer.status, answer.body) == (404, b"Try /metrics, /healthz, /readyz.\n")


def test_other_methods_are_refused(answers: Callable[..., list[Answer]]) -> None:
    for answer in answers(*((method, "/healthz") for method in ("POST", "PUT", "DELETE", "OPTIONS"))):
        assert (answer.status, answer.body) == (405, b"Use GET.\n")


def test_head_has_the_headers_alone(answers: Callable[..., list[Answer]]) -> None:
    assert answers(("HEAD", "/metrics"), ("HEAD", "/nothing")) == [
        (200, "text/plain; version=1.0.0", "14", b""),
        (404, "text/plain", "33", b""),
    ]


def test_a_page_that_fails_is_said_so_and_the_others_go_on(
    answers: Callable[..., list[Answer]], errors: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAGES, "/metrics", failing)
    failed, healthy = answers(("GET", "/metrics"), ("GET", "/healthz"))
    assert (failed.status, failed.body) == (500, b"The relay has a fault: its log tells.\n")
    assert healthy.status == 200
    assert [str(error) for error in errors] == ["a bug, planted"]


@pytest.mark.parametrize("use_uvloop", [True, False], ids=["uvloop", "asyncio"])
def test_who_was_accepted_is_answered_before_the_port_is_left_to_another_process(use_uvloop: bool) -> None:
    async def scenario() -> bytes:
        sock = listen_tcp("127.0.0.1", 0)
        server = OpsServer(PAGES, lambda _: None, OwnNames("127.0.0.1"))
        serving = asyncio.create_task(server.run(sock))
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(sock))
        await until(lambda: len(server.connections))
        server.leave()
        await until(lambda: sock.fileno() < 0)  # it accepts no more
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), DEADLINE_SECONDS)
        await asyncio.wait_for(serving, DEADLINE_SECONDS)
        writer.close()
        return answer

    assert loop.run(scenario(), use_uvloop=use_uvloop).endswith(b"ok\n")
