"""Joining by TLS on Qt: who is trusted, who isn't, and that those hear nothing (TCP-12)."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtNetwork import QSslSocket

from chatbrain import (
    BadAuthoritiesError,
    Ended,
    EndReason,
    Fault,
    Finding,
    Joined,
    Message,
    Presented,
    Reconnecting,
    Tls,
    UnreachableError,
    parse_server,
)
from chatproto import Disconnected, EvictionReason, encode_notice
from libs.chatclient.authority import Authority
from libs.chatclient.tiny_relay import TinyRelay, babbler
from messenger.core.links import Look
from messenger.desktop import tls as qt_tls
from services.messenger.desktop.people import Backstage, Crowd

pytestmark = pytest.mark.requirement("TCP-12")

OTHER = "00:" * 31 + "00"
NO_ISSUER = Finding(Fault.UNKNOWN_AUTHORITY, "unable to get local issuer certificate")


def fault_of(ended: Ended) -> tuple[EndReason, Fault]:
    assert ended.finding
    return ended.reason, ended.finding.fault


def assert_distrusted(crowd: Crowd, relay: TinyRelay, server: str, tls: Tls, fault: Fault) -> Ended:
    ended = crowd.room(server, tls=tls).wait_for(Ended)
    assert fault_of(ended) == (EndReason.UNTRUSTED, fault)
    assert "nothing was sent to it" in ended.text
    assert relay.received == b""
    return ended


def test_an_authority_vouches_for_a_relay(crowd: Crowd, backstage: Backstage, authority: Authority) -> None:
    relay, server = backstage.relay(tls=authority.context())
    ann = crowd.room(server, tls=Tls(ca_file=authority.file))
    ann.wait_for(Joined)
    ann.say("hi")
    assert ann.wait_for(Message).text == "hi"
    assert b'"ann"' in relay.received


def test_an_authority_vouches_for_a_name(crowd: Crowd, backstage: Backstage, authority: Authority) -> None:
    _, server = backstage.relay(tls=authority.context("localhost"))
    crowd.room(server.replace("127.0.0.1", "localhost"), tls=Tls(ca_file=authority.file)).wait_for(Joined)


def test_authorities_may_be_named_as_for_the_other_programs(
    crowd: Crowd, backstage: Backstage, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, server = backstage.relay(tls=authority.context())
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)
    crowd.room(server, tls=Tls()).wait_for(Joined)


def test_a_fingerprint_is_enough_whatever_the_name(crowd: Crowd, backstage: Backstage, authority: Authority) -> None:
    context = authority.context()
    shown = authority.renew(context, "other.example")
    _, server = backstage.relay(tls=context)
    crowd.room(server, tls=Tls(fingerprint=shown.replace(":", "").lower())).wait_for(Joined)


def test_who_shows_another_fingerprint_hears_nothing(crowd: Crowd, backstage: Backstage, authority: Authority) -> None:
    relay, server = backstage.relay(tls=authority.context())
    ended = assert_distrusted(crowd, relay, server, Tls(fingerprint=OTHER), Fault.OTHER_CERTIFICATE)
    assert "shows another certificate than the one you trust (SHA-256 " in ended.text


def test_who_nobody_trusted_vouches_for_hears_nothing(crowd: Crowd, backstage: Backstage, authority: Authority) -> None:
    relay, server = backstage.relay(tls=authority.context())
    ended = assert_distrusted(crowd, relay, server, Tls(), Fault.UNKNOWN_AUTHORITY)
    assert ended.finding == NO_ISSUER


def test_who_has_a_certificate_for_another_host_hears_nothing(
    crowd: Crowd, backstage: Backstage, authority: Authority
) -> None:
    relay, server = backstage.relay(tls=authority.context("other.example"))
    ended = assert_distrusted(crowd, relay, server, Tls(ca_file=authority.file), Fault.OTHER_HOST)
    assert "not valid for '127.0.0.1'" in ended.text


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"\0\0\1" + bytes(28) + b"\1\x0b", Fault.NO_TLS),  # a plain refusal: status 11
        (b"SSH-2.0-OpenSSH_9.2\r\n", Fault.NO_TLS),
        (b"\x15\3\3\0\2\2\x46", Fault.TLS_VERSION),
        (b"\x15\3\3\0\2\2\x28", Fault.TLS_FAILED),
        (b"", Fault.HUNG_UP),
    ],
    ids=["plain", "ssh", "version", "alert", "silent"],
)
@pytest.mark.parametrize("tls", [Tls(), Tls(fingerprint=OTHER)], ids=["authority", "fingerprint"])
def test_who_speaks_no_tls_or_another_is_no_relay_and_there_is_no_way_back_to_plain(
    crowd: Crowd, backstage: Backstage, tls: Tls, answer: bytes, fault: Fault
) -> None:
    ended = crowd.room(backstage.enter(babbler(answer)), tls=tls).wait_for(Ended)
    assert fault_of(ended) == (EndReason.UNREACHABLE, fault)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
def test_old_versions_are_not_spoken(crowd: Crowd, backstage: Backstage, authority: Authority) -> None:
    context = authority.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    relay, server = backstage.relay(tls=context)
    ended = crowd.room(server, tls=Tls(ca_file=authority.file)).wait_for(Ended)
    assert ended.reason is EndReason.UNREACHABLE
    assert relay.received == b""


def test_a_certificate_that_changes_meanwhile_ends_the_membership(
    crowd: Crowd, backstage: Backstage, authority: Authority
) -> None:
    context = authority.context()
    before = authority.renew(context)
    relay, server = backstage.relay(tls=context)
    ann = crowd.room(server, tls=Tls(fingerprint=before))
    ann.wait_for(Joined)
    _, address = backstage.heard(relay)
    relay.received = b""
    authority.renew(context)
    backstage.call(relay.transport.sendto, encode_notice(Disconnected(EvictionReason.SHUTDOWN)), address)
    ann.wait_for(Reconnecting)
    assert ann.wait_for(Ended).reason is EndReason.UNTRUSTED
    assert relay.received == b""


@pytest.mark.parametrize("content", [None, "junk"])
def test_a_file_of_authorities_that_cannot_be_used_is_named(crowd: Crowd, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authorities.pem"
    if content:
        file.write_text(content)
    with pytest.raises(BadAuthoritiesError, match=rf"^The file of authorities {file} can't be used \("):
        crowd.room("127.0.0.1", tls=Tls(ca_file=str(file)))


def test_without_a_library_for_tls_nobody_is_asked(
    crowd: Crowd, backstage: Backstage, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay, server = backstage.relay(tls=authority.context())
    monkeypatch.setattr(QSslSocket, "supportsSsl", lambda: False)
    ended = crowd.room(server, tls=Tls()).wait_for(Ended)
    assert ended.finding == qt_tls.NO_LIBRARY
    seen = look_at(crowd, server)
    assert isinstance(seen, UnreachableError)
    assert seen.cause.finding == qt_tls.NO_LIBRARY
    assert relay.tcp_peers == []


def look_at(crowd: Crowd, server: str) -> Look:
    results: list[Look] = []
    look = crowd.links.look_at(parse_server(server, 9000), results.append)
    assert not results
    crowd.wait_until(lambda: bool(results))
    look.cancel()
    assert len(results) == 1
    return results[0]


def test_looking_at_a_relay_tells_its_fingerprint_and_the_doubt(
    crowd: Crowd, backstage: Backstage, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = authority.context()
    shown = authority.renew(context)
    relay, server = backstage.relay(tls=context)
    assert look_at(crowd, server) == Presented(shown, NO_ISSUER)
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)  # what the system trusts
    assert look_at(crowd, server) == Presented(shown, None)
    assert relay.received == b""


@pytest.mark.parametrize(
    ("answer", "fault"), [(b"hello, who are you?", Fault.NO_TLS), (b"", Fault.HUNG_UP)], ids=["plain", "silent"]
)
def test_what_speaks_no_tls_cannot_be_looked_at(
    crowd: Crowd, backstage: Backstage, answer: bytes, fault: Fault
) -> None:
    error = look_at(crowd, backstage.enter(babbler(answer)))
    assert isinstance(error, UnreachableError)
    assert fault_of(error.cause) == (EndReason.UNREACHABLE, fault)
    assert str(error).startswith("No relay answers by TLS at 127.0.0.1:")


def test_a_look_at_nobody(crowd: Crowd) -> None:
    error = look_at(crowd, "a..b:9000")
    assert isinstance(error, UnreachableError)
    assert fault_of(error.cause) == (EndReason.UNREACHABLE, Fault.BAD_HOST)


@pytest.fixture
def silent() -> Iterator[str]:
    """Whom one reaches, but who says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_look_takes_only_so_long(crowd: Crowd, silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qt_tls, "LOOK_SECONDS", 0.01)
    error = look_at(crowd, silent)
    assert isinstance(error, UnreachableError)
    assert fault_of(error.cause) == (EndReason.UNREACHABLE, Fault.NO_ANSWER)


def test_a_look_that_is_given_up_tells_nothing(crowd: Crowd, silent: str) -> None:
    results: list[Look] = []
    look = crowd.links.look_at(parse_server(silent, 9000), results.append)
    crowd.wait_until(lambda: look._socket is not None)
    look.cancel()
    crowd.wait_until(lambda: not crowd.links.children())
    assert not results
