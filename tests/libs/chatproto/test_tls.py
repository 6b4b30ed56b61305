"""One end of TLS without I/O: any split of the bytes, both ends' ways to end."""

import ssl

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from chatproto.tls import TLS_START, RecordCounter, TlsEnd
from libs.chatproto.strategies import split

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def issued(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("chat.example.org")


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def ends(request: pytest.FixtureRequest, ca: trustme.CA, issued: trustme.LeafCert) -> tuple[TlsEnd, TlsEnd]:
    """Return a client and a server."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    issued.configure_cert(server)
    ca.configure_trust(client)
    client.maximum_version = request.param
    return TlsEnd(client, server_side=False, server_name="chat.example.org"), TlsEnd(server, server_side=True)


def carry(source: TlsEnd, target: TlsEnd) -> bytes:
    """Carry what one end sends to the other, byte by byte; returns what that reads."""
    return b"".join(target.feed(bytes([byte])) for byte in source.take())


def shake_hands(client: TlsEnd, server: TlsEnd) -> None:
    client.feed(b"")
    while not (client.ready and server.ready):
        assert carry(client, server) == b""
        assert carry(server, client) == b""


@pytest.mark.slow
def test_bytes_go_both_ways_in_any_pieces(ends: tuple[TlsEnd, TlsEnd]) -> None:
    client, server = ends
    shake_hands(client, server)
    for data in (b"hello", bytes(100_000)):
        client.write(data)
        assert carry(client, server) == data
        server.write(data)
        assert carry(server, client) == data


def test_what_a_client_begins_with_is_no_request(ends: tuple[TlsEnd, TlsEnd]) -> None:
    client, _ = ends
    assert client.feed(b"") == b""
    assert client.take().startswith(TLS_START)


def test_each_end_ends_by_itself(ends: tuple[TlsEnd, TlsEnd]) -> None:
    client, server = ends
    shake_hands(client, server)
    server.write(b"last words")
    server.end()
    assert has_ended(client, server) == (False, False)
    assert carry(server, client) == b"last words"
    assert has_ended(client, server) == (True, False)
    client.write(b"two")
    assert carry(client, server) == b"two"  # which still listens
    client.end()
    assert carry(client, server) == b""
    assert has_ended(client, server) == (True, True)


def has_ended(client: TlsEnd, server: TlsEnd) -> tuple[bool, bool]:
    return client.ended, server.ended


def test_an_end_that_never_began_has_nothing_to_say(ends: tuple[TlsEnd, TlsEnd]) -> None:
    _, server = ends
    server.end()
    assert server.take() == b""


def test_the_client_sees_the_certificate_and_the_server_sees_none(
    ends: tuple[TlsEnd, TlsEnd], issued: trustme.LeafCert
) -> None:
    client, server = ends
    shake_hands(client, server)
    assert ssl.DER_cert_to_PEM_cert(client.certificate()).encode().strip() == issued.cert_chain_pems[0].bytes().strip()
    assert server.certificate() == b""


def test_a_stranger_is_refused_and_told_so(issued: trustme.LeafCert) -> None:
    context, wary = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    issued.configure_cert(context)
    client = TlsEnd(wary, server_side=False, server_name="chat.example.org")
    server = TlsEnd(context, server_side=True)
    client.feed(b"")
    carry(client, server)
    with pytest.raises(ssl.SSLCertVerificationError):
        carry(server, client)
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        carry(client, server)


def test_what_is_no_tls_is_an_error(ends: tuple[TlsEnd, TlsEnd]) -> None:
    _, server = ends
    with pytest.raises(ssl.SSLError):
        server.feed(b"\x16\x03" + bytes(100))


@given(st.lists(st.binary(max_size=300), max_size=20), st.data())
def test_records_are_counted_however_the_bytes_are_split(records: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(b"\x17\x03\x03" + len(record).to_bytes(2, "big") + record for record in records)
    counter = RecordCounter()
    assert sum(map(counter.count, data.draw(split(wire)))) == len(records)


def test_a_record_counts_once_its_header_is_whole() -> None:
    counter = RecordCounter()
    assert [counter.count(piece) for piece in (b"\x17\x03", b"\x03\x00\x02a", b"b\x17\x03\x03\x00", b"\x00")] == [
        0,
        1,
        0,
        1,
    ]
