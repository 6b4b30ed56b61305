"""Origins, networks and the page's address as operators write them (WEB-03, WEB-05, WEB-06)."""

import ipaddress

import pytest
from pydantic_core import PydanticCustomError

from relay_server.web_settings import (
    check_web_url,
    host_of_link,
    is_loopback,
    parse_networks,
    parse_origins,
    read_origin,
    write_link,
)

pytestmark = pytest.mark.requirement("WEB-03")


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://chat.example.org", "https://chat.example.org"),
        ("HTTPS://Chat.Example.org:443", "https://chat.example.org"),
        ("http://chat.example.org:80", "http://chat.example.org"),
        ("http://[2001:DB8::1]:9080", "http://[2001:db8::1]:9080"),
        ("https://xn--bcher-kva.example:80", "https://xn--bcher-kva.example:80"),
    ],
)
def test_an_origin_compares_in_one_spelling(text: str, origin: str) -> None:
    assert read_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "chat.example.org", "https://", "https://a/b", "https://a?b", "https://u@a", "https://a:b", "ftp://a",
        "https://a b", "https://bücher.example", "https://a:123456", "https://a\n", "https://a https://b",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_none(text: str) -> None:
    assert read_origin(text) is None


def test_lists_have_commas() -> None:
    assert parse_origins("") == frozenset()
    assert parse_origins("https://a.example, http://b.example:8080") == {"https://a.example", "http://b.example:8080"}
    assert parse_networks("") == ()
    assert parse_networks("127.0.0.1, fd00::/8") == (
        ipaddress.ip_network("127.0.0.1/32"),
        ipaddress.ip_network("fd00::/8"),
    )


@pytest.mark.parametrize("text", ["0.0.0.0/0", "127.0.0.1, ::/0"])
def test_a_proxy_that_is_everybody_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="Name your proxies"):
        parse_networks(text)


@pytest.mark.requirement("WEB-05", "WEB-06")
@pytest.mark.parametrize(
    ("text", "link", "host"),
    [
        ("https://chat.example.org", "https://chat.example.org/", "chat.example.org"),
        ("https://chat.example.org/", "https://chat.example.org/", "chat.example.org"),
        ("https://chat.example.org:443/#port=30900", "https://chat.example.org/", "chat.example.org"),
        ("chat.example.org#port=30900", "http://chat.example.org/", "chat.example.org"),
        ("http://Chat.example.org:8080", "http://chat.example.org:8080/", "chat.example.org"),
        ("chat.example.org", "http://chat.example.org/", "chat.example.org"),
        ("localhost:9080", "http://localhost:9080/", "localhost"),
        ("localhost:0", "http://localhost:0/", "localhost"),
        ("[2001:db8::1]:9080", "http://[2001:db8::1]:9080/", "2001:db8::1"),
        ("", "", ""),
    ],
)
def test_the_pages_address_is_written_as_browsers_take_it(text: str, link: str, host: str) -> None:
    assert check_web_url(text) == text
    assert write_link(text, "http") == link
    assert host_of_link(link) == host


@pytest.mark.requirement("WEB-05")
@pytest.mark.parametrize(
    "wrong",
    [
        "/", "https://", "#port=9000", "chat.example.org/tea", "https://chat.example.org//", "ws://chat.example.org",
        "a b", "::1", "https://[::::]", "https://ann@chat.example.org", "chat.example.org:65536", "chat.example.org:",
        "chat.example.org/#room=tea", "chat.example.org/#port=", "chat.example.org/#port=0",
        "chat.example.org/#port=65536", "chat.example.org/?x", f"{'x' * 300}.example",
    ],
)  # fmt: skip
def test_anything_else_is_no_address_of_a_page(wrong: str) -> None:
    with pytest.raises(PydanticCustomError, match="Write the page's address"):
        check_web_url(wrong)


@pytest.mark.requirement("WEB-05")
def test_a_host_that_is_this_machine_everywhere_is_told_apart() -> None:
    for host in (
        "localhost", "localhost.", "chat.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1",
        "0.0.0.0", "::",
    ):  # fmt: skip
        assert is_loopback(host), host
    for host in ("", "chat.example.org", "localhost.example.org", "mylocalhost", "192.168.1.5", "10.0.0.1", "fd00::1"):
        assert not is_loopback(host), host
