"""Where a relay is, as people write it."""

from typing import Final

from chatbrain.address import parse_server

SEEDS: Final = (b"relay.example", b"127.0.0.1:9000", b"[::1]:9000", b"::1", b"[fe80::1%eth0]", b"host:", b"[::1")
WORDS: Final = (b":9000", b"[", b"]:", b"::", b"%eth0", "\uff11".encode())


def check(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    try:
        address = parse_server(text, 9000)
    except ValueError as error:
        said = str(error)
    else:
        assert address.host in text
        assert 0 < address.port < 2**16
        assert parse_server(str(address), 1) == address
        return
    assert said.endswith(".")
    assert said.isprintable(), said
