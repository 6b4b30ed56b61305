"""Chats in browsers, and the list of rooms (WEB-01 to WEB-04, LIST-01)."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import call
from conformance.relays import OwnRelay
from conformance.tls import Authority
from ports import free_ports

if TYPE_CHECKING:
    import ssl

pytestmark = pytest.mark.level("extension")
DEADLINE_SECONDS = 15
LIST = wire.frame(4, wire.REQUEST, b"", b'{"reply":"json"}')
PLAIN, LISTING, SECURE, NAMED = "plain", "listing", "secure", "named"


@cache
def port_of(_relay: str) -> int:
    """Choose the web port of one of our relays when it is about to start: until then somebody else might take it."""
    (port,) = free_ports(1)
    return port


@pytest.fixture(scope="module")
def port(start_relay: StartRelay) -> int:
    """Run a relay with a web port; returns that."""
    start_relay(web_port=port_of(PLAIN))
    return port_of(PLAIN)


@contextmanager
def opened(port: int, origin: str | None = "http://127.0.0.1:{port}") -> Iterator[ClientConnection]:
    named = Origin(origin.format(port=port)) if origin else None
    with connect(f"ws://127.0.0.1:{port}/chat", origin=named, compression=None, proxy=None) as page:
        yield page


def join(page: ClientConnection, room: bytes, name: str, **fields: Any) -> dict[str, Any]:
    page.send(json.dumps({"join": {"room": room.decode(), "name": name, **fields}}))
    return receive(page)


def receive(page: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.recv(DEADLINE_SECONDS))
    return found


@pytest.mark.requirement("WEB-01", "WEB-04")
def test_the_page_is_there_and_loads_from_its_origin_alone(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=DEADLINE_SECONDS) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/html")
        policy = answer.headers["content-security-policy"]
        assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["etag"]


@pytest.mark.requirement("WEB-01")
def test_with_a_certificate_it_is_https(
    start_relay: StartRelay, tmp_path_factory: pytest.TempPathFactory, room: bytes
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    start_relay(**authority.settings, web_port=port_of(SECURE), streams="off")
    context: ssl.SSLContext = authority.context()
    origin, url = Origin(f"https://127.0.0.1:{port_of(SECURE)}"), f"wss://127.0.0.1:{port_of(SECURE)}/chat"
    with connect(url, origin=origin, ssl=context, compression=None, proxy=None) as page:
        assert join(page, room, "ann", create=True)["chat"] == "stream"  # RELAY_STREAMS is about the TCP port
    with pytest.raises(urllib.error.URLError, match="certificate"):  # it was sent to https
        urllib.request.urlopen(f"http://127.0.0.1:{port_of(SECURE)}/", timeout=DEADLINE_SECONDS)


@pytest.mark.requirement("WEB-02")
def test_a_page_joins_by_its_first_message_and_chats_in_the_objects_of_streams(port: int, room: bytes) -> None:
    with opened(port) as one, opened(port) as other:
        answer = join(one, room, "ann", create=True, features=["resume", "telepathy"])
        assert (answer["status"], answer["reason"], answer["chat"], answer["seq"]) == (0, "ok", "stream", 0)
        assert answer["features"] == ["resume"]
        assert answer["resume"]
        assert join(other, room, "bob")["seq"] == 1
        assert receive(one) == {"seq": 1, "notice": "member_joined", "name": "bob"}
        one.send('{"ping":5}')
        assert receive(one) == {"pong": 5}
        other.send('{"say":"hello","n":1}')
        assert receive(other) == {"seq": 2, "took": 1}
        assert receive(one) == {"seq": 2, "from": "bob", "text": "hello"}


@pytest.mark.requirement("WEB-02")
@pytest.mark.parametrize(
    ("sent", "status"),
    [('{"join":{"room":"no such room","name":"ann"}}', 2), ('{"say":"hello"}', 8), ("hello", 8), ('{"join":{}}', 8)],
)
def test_what_cant_be_served_is_answered_with_a_status(port: int, sent: str, status: int) -> None:
    with opened(port) as page:
        page.send(sent)
        assert receive(page)["status"] == status
        with pytest.raises(ConnectionClosed):
            page.recv(DEADLINE_SECONDS)


@pytest.mark.requirement("WEB-02", "FEAT-02", "FEAT-04")
def test_a_page_that_asks_for_facts_is_told_why_exactly(port: int, room: bytes) -> None:
    answers = []
    for features in ([], ["notices"]):
        with opened(port) as page:
            answers.append(join(page, room, "ann\u2800", create=True, features=features))
    plain, coded = answers
    assert plain.keys() == {"status", "reason", "message"}
    character = {"character": "U+2800 BRAILLE PATTERN BLANK"}
    assert coded == plain | {"code": "user_name_character"} | character


@pytest.mark.requirement("WEB-02")
@pytest.mark.parametrize(("message", "code"), [(b"binary", 1003), ("x" * 32_769, 1009)], ids=["binary", "too long"])
def test_what_is_no_message_ends_the_chat(port: int, room: bytes, message: bytes | str, code: int) -> None:
    with opened(port) as page:
        assert join(page, room, "ann", create=True)["status"] == 0
        page.send(message)
        assert receive(page)["bye"] == "malformed"
        with pytest.raises(ConnectionClosed) as caught:
            page.recv(DEADLINE_SECONDS)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == code


@pytest.mark.requirement("WEB-03")
@pytest.mark.parametrize("origin", [None, "null", "https://127.0.0.1:{port}", "http://evil.example"])
def test_a_page_of_another_site_may_not_chat(port: int, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as caught, opened(port, origin):
        pass
    assert caught.value.response.status_code == 403


def listed(own: OwnRelay) -> dict[str, Any]:
    """Ask for the rooms over TCP."""
    with call(own.relay) as connection:
        connection.sendall(LIST)
        accepted, found = wire.read_frames(connection)
    assert (accepted.state, json.loads(accepted.payload)["status"]) == (wire.REPLY, 0)
    assert (found.operation, found.state, found.room) == (4, wire.COMPLETION, b"")
    answer: dict[str, Any] = json.loads(found.payload)
    return answer


@pytest.mark.requirement("LIST-01")
def test_rooms_are_listed_where_the_operator_wants_it(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(web_port=port_of(LISTING), list_rooms="true")
    with ExitStack() as ends:
        page = ends.enter_context(opened(port_of(LISTING)))
        assert join(page, room, "ann", create=True, password="milk")["status"] == 0
        expected = {"name": room.decode(), "members": 1, "password": True, "sealed": False, "topic": ""}
        while expected not in listed(own)["rooms"]:  # it may be a second old
            pass
        with urllib.request.urlopen(f"http://127.0.0.1:{port_of(LISTING)}/rooms", timeout=DEADLINE_SECONDS) as answer:
            assert expected in json.load(answer)["rooms"]


@pytest.mark.requirement("LIST-01", "FEAT-04")
@pytest.mark.parametrize(("features", "code"), [({}, {}), ({"features": ["notices"]}, {"code": "no_list"})])
def test_by_default_nobody_is_told_which_rooms_there_are(
    start_relay: StartRelay, features: dict[str, list[str]], code: dict[str, str]
) -> None:
    own = start_relay(web_port=port_of(PLAIN))
    with call(own.relay) as connection:
        connection.sendall(wire.frame(4, wire.REQUEST, b"", json.dumps({"reply": "json", **features}).encode()))
        (refused,) = wire.read_frames(connection)
    message = "This relay lists no rooms."
    assert json.loads(refused.payload) == {"status": 10, "reason": "not_supported", "message": message, **code}
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{port_of(PLAIN)}/rooms", timeout=DEADLINE_SECONDS)
    assert caught.value.code == 404
    caught.value.close()


@pytest.mark.requirement("WEB-05")
def test_who_asks_for_json_is_told_the_pages_address_where_the_operator_names_it(
    start_relay: StartRelay, port: int, room: bytes
) -> None:
    own = start_relay(web_port=port_of(NAMED), web_url="https://chat.example.org")
    told = f"https://chat.example.org/#port={own.relay.tcp_port}"
    with opened(port_of(NAMED)) as page:
        assert join(page, room, "ann", create=True)["web"] == told
        with call(own.relay) as connection:
            connection.sendall(wire.frame(2, wire.REQUEST, room, b'{"username":"bob","reply":"json"}'))
            assert json.loads(wire.read_frames(connection)[-1].payload)["web"] == told
        with call(own.relay) as connection:
            connection.sendall(wire.frame(2, wire.REQUEST, room, b"eve"))
            assert b"example" not in wire.read_frames(connection)[-1].payload
    with opened(port) as page:
        assert "web" not in join(page, room, "ann", create=True)


@pytest.mark.requirement("WEB-05")
@pytest.mark.parametrize(
    ("web_url", "told"),
    [("chat.example.org", "http://chat.example.org/#port={port}"), ("localhost:9080", None)],
    ids=["without a scheme", "of the machine itself"],
)
def test_the_address_gets_a_scheme_and_one_of_the_machine_itself_isnt_told(
    start_relay: StartRelay, room: bytes, web_url: str, told: str | None
) -> None:
    own = start_relay(web_url=web_url)
    with call(own.relay) as connection:
        connection.sendall(wire.frame(1, wire.REQUEST, room, b'{"username":"ann","reply":"json"}'))
        answer = json.loads(wire.read_frames(connection)[-1].payload)
    assert answer["token"]
    assert answer.get("web") == (told and told.format(port=own.relay.tcp_port))
