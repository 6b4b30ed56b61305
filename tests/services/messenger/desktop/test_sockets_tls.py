"""TLS by sockets that Qt's loop watches: all else about it is tested in chatclient (TCP-12)."""

import socket
from pathlib import Path

import pytest

from chatbrain import (
    BadAuthoritiesError,
    Carried,
    Ended,
    EndReason,
    Fault,
    Finding,
    Joined,
    Look,
    Message,
    Presented,
    Tls,
    Transport,
    parse_server,
)
from libs.chatclient.authority import Authority
from libs.chatclient.backstage import Backstage
from libs.chatclient.tiny_streams import tiny_streams
from services.messenger.desktop.people import Crowd

pytestmark = pytest.mark.requirement("TCP-12")

NO_ISSUER = Finding(Fault.UNKNOWN_AUTHORITY, "unable to get local issuer certificate")


def test_an_authority_vouches_for_a_relay(crowd: Crowd, backstage: Backstage, authority: Authority) -> None:
    relay, server = backstage.relay(tls=authority.context())
    ann = crowd.room(server, tls=Tls(ca_file=authority.file))
    ann.wait_for(Joined)
    ann.say("hi")
    assert ann.wait_for(Message).text == "hi"
    assert b'"ann"' in relay.received


def test_the_connection_that_joined_carries_the_chat(crowd: Crowd, backstage: Backstage, authority: Authority) -> None:
    relay, server = backstage.enter(tiny_streams(tls=authority.context()))
    ann = crowd.room(server, tls=Tls(ca_file=authority.file), transport=Transport.STREAM)
    ann.wait_for(Joined)
    assert ann.wait_for(Carried).encrypted
    words = [f"{number:03} " + "é" * 48 for number in range(200)]
    for word in words[:100]:
        ann.say(word)
    assert ann.wait_for(Message, 100).text == words[99]
    backstage.call(relay.cut)
    for word in words[100:]:
        ann.say(word)
    ann.wait_for(Message, 200)
    assert [event.text for event in ann.events if isinstance(event, Message)] == words
    assert len(relay.resumed) == 2


def test_who_nobody_trusted_vouches_for_hears_nothing(crowd: Crowd, backstage: Backstage, authority: Authority) -> None:
    relay, server = backstage.relay(tls=authority.context())
    ended = crowd.room(server, tls=Tls()).wait_for(Ended)
    assert (ended.reason, ended.finding) == (EndReason.UNTRUSTED, NO_ISSUER)
    assert relay.received == b""


@pytest.mark.parametrize("content", [None, "junk"])
def test_a_file_of_authorities_that_cannot_be_used_is_named(crowd: Crowd, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authorities.pem"
    if content:
        file.write_text(content)
    with pytest.raises(BadAuthoritiesError, match=rf"^The file of authorities {file} can't be used \("):
        crowd.room("127.0.0.1", tls=Tls(ca_file=str(file)))


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


def test_a_look_that_is_given_up_tells_nothing(crowd: Crowd) -> None:
    results: list[Look] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = parse_server(f"127.0.0.1:{silent.getsockname()[1]}", 9000)
        look = crowd.links.look_at(server, results.append)
        crowd.wait_until(lambda: bool(crowd.loop.children()))
        look.cancel()
        crowd.wait_until(lambda: not crowd.loop.children())
    assert not results
