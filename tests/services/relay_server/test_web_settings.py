"""Origins and networks as operators write them (WEB-03)."""

import ipaddress

import pytest
from pydantic_core import PydanticCustomError

from relay_server.web_settings import check_link, host_of_link, parse_networks, parse_origins, read_origin, write_link

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


@pytest.mark.requirement("WEB-06")
@pytest.mark.parametrize(
    ("text", "link", "host"),
    [
        ("https://chat.example.org", "https://chat.example.org/", "chat.example.org"),
        ("https://chat.example.org/", "https://chat.example.org/", "chat.example.org"),
        ("http://Chat.example.org:8080", "http://chat.example.org:8080/", "chat.example.org"),
        ("chat.example.org", "http://chat.example.org/", "chat.example.org"),
        ("localhost:9080", "http://localhost:9080/", "localhost"),
        ("[2001:db8::1]:9080", "http://[2001:db8::1]:9080/", "2001:db8::1"),
    ],
)
def test_a_link_is_written_as_browsers_take_it(text: str, link: str, host: str) -> None:
    assert check_link(text) == text
    assert write_link(text, "http") == link
    assert host_of_link(text) == host


@pytest.mark.requirement("WEB-06")
def test_a_link_is_an_address_without_a_path() -> None:
    assert (check_link(""), host_of_link("")) == ("", "")
    for wrong in (
        "/",
        "https://",
        "chat.example.org/tea",
        "https://chat.example.org//",
        "ws://chat.example.org",
        "a b",
    ):
        with pytest.raises(PydanticCustomError, match="Write the page's address"):
            check_link(wrong)
