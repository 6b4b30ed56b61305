"""Server addresses as people write them."""

import pytest

from chatbrain import ServerAddress, parse_server


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("localhost", "localhost", 9000),
        ("localhost:1234", "localhost", 1234),
        ("10.0.0.1:1", "10.0.0.1", 1),
        ("::1", "::1", 9000),
        ("[::1]", "::1", 9000),
        ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
    ],
)
def test_every_way_to_write_an_address(text: str, host: str, port: int) -> None:
    address = parse_server(text, 9000)
    assert address == ServerAddress(host, port)
    assert parse_server(str(address), 1) == address


@pytest.mark.parametrize("text", ["", ":9000", "a b", "a:b:c", "[::1", "[]:9", "[::1]x", "http//relay"])
def test_what_is_no_address_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no relay address: write HOST"):
        parse_server(text, 9000)


@pytest.mark.parametrize("text", ["h:", "h:0", "h:65536", "h:-1", "h:9x", "[::1]:", "h:\u0661"])
def test_what_is_no_port_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no port: use a number from 1 to 65535"):
        parse_server(text, 9000)
