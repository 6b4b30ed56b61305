"""Joining by TLS over real loopback sockets: who is trusted, who isn't, and that those hear nothing (TCP-12)."""

import asyncio
import gc
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from chatbrain import ServerAddress, TlsFailedError
from chatclient import (
    Ended,
    EndReason,
    Fault,
    Finding,
    ListedRoom,
    Message,
    RejoinPolicy,
    Tls,
    UnreachableError,
    UntrustedError,
    join_room,
    list_rooms,
    look_at,
)
from chatclient.tls import secure_by
from chatproto import Disconnected, EvictionReason, encode_notice
from libs.chatclient.authority import Authority
from libs.chatclient.tiny_relay import TinyRelay, babbler, tiny_relay

pytestmark = pytest.mark.requirement("TCP-12")

Run = Callable[[Callable[[], Awaitable[None]]], None]
OTHER = "00:" * 31 + "00"
NO_ISSUER = Finding(Fault.UNKNOWN_AUTHORITY, "unable to get local issuer certificate")


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a scenario to its end; a forgotten task, socket or future fails the test."""

    async def within_a_deadline(scenario: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.timeout(20):
            await scenario()
            while others := asyncio.all_tasks() - {asyncio.current_task()}:  # the servers' ends
                await asyncio.wait(others)

    def run(scenario: Callable[[], Awaitable[None]]) -> None:
        with asyncio.Runner(debug=True, loop_factory=request.param) as runner:
            runner.run(within_a_deadline(scenario))
        gc.collect()

    return run


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def assert_refused(relay: TinyRelay, server: str, tls: Tls, because: str, fault: Fault) -> None:
    with pytest.raises(UntrustedError, match=because) as caught:
        async with join_room("demo", "ann", server=server, password="secret", tls=tls):
            pass
    assert relay.received == b""
    cause = caught.value.cause
    assert (cause.server, cause.finding and cause.finding.fault) == (server, fault)


def test_an_authority_vouches_for_a_relay(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        async with (
            tiny_relay(tls=authority.context()) as (relay, server),
            join_room("demo", "ann", server=server, tls=Tls(ca_file=authority.file)) as room,
        ):
            assert room.say("hi")
            async for message in room.messages():
                assert isinstance(message, Message)
                assert message.text == "hi"
                break
            assert b'"ann"' in relay.received

    run(scenario)


def test_an_authority_vouches_for_a_name(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        async with tiny_relay(tls=authority.context("localhost")) as (_, server):
            named = server.replace("127.0.0.1", "localhost")
            async with join_room("demo", "ann", server=named, tls=Tls(ca_file=authority.file)) as room:
                assert room.say("hi")

    run(scenario)


def test_authorities_are_found_where_another_system_keeps_them(
    run: Run, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):  # as if Python had been built for paths that aren't here
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setattr("chatclient.tls._AUTHORITIES", ("/not/here", authority.file))

    async def scenario() -> None:
        async with (
            tiny_relay(tls=authority.context()) as (_, server),
            join_room("demo", "ann", server=server, tls=Tls()) as room,
        ):
            assert room.say("hi")

    run(scenario)


def test_a_fingerprint_is_enough_whatever_the_name(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        context = authority.context()
        shown = authority.renew(context, "other.example")
        async with (
            tiny_relay(tls=context) as (_, server),
            join_room("demo", "ann", server=server, tls=Tls(fingerprint=shown.replace(":", "").lower())) as room,
        ):
            assert room.say("hi")

    run(scenario)


def test_who_shows_another_fingerprint_hears_nothing(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        async with tiny_relay(tls=authority.context()) as (relay, server):
            await assert_refused(
                relay, server, Tls(fingerprint=OTHER), "shows another certificate", Fault.OTHER_CERTIFICATE
            )

    run(scenario)


def test_who_nobody_trusted_vouches_for_hears_nothing(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        async with tiny_relay(tls=authority.context()) as (relay, server):
            await assert_refused(
                relay, server, Tls(), r"\(unable to get local issuer certificate\)", Fault.UNKNOWN_AUTHORITY
            )

    run(scenario)


def test_who_has_a_certificate_for_another_host_hears_nothing(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        async with tiny_relay(tls=authority.context("other.example")) as (relay, server):
            await assert_refused(
                relay, server, Tls(ca_file=authority.file), "not valid for '127.0.0.1'", Fault.OTHER_HOST
            )

    run(scenario)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"\0\0\1" + bytes(28) + b"\1\x0b", "doesn't speak TLS"),  # a plain refusal: status 11
        (b"SSH-2.0-OpenSSH_9.2\r\n", "doesn't speak TLS"),
        (b"\x15\3\3\0\2\2\x46", "no version of TLS that this client does"),
        (b"\x15\3\3\0\2\2\x28", "TLS failed: sslv3 alert handshake failure"),
        (b"", "closed the connection without an answer"),
    ],
    ids=["plain", "ssh", "version", "alert", "silent"],
)
@pytest.mark.parametrize("tls", [Tls(), Tls(fingerprint=OTHER)], ids=["authority", "fingerprint"])
def test_who_speaks_no_tls_or_another_is_no_relay_and_there_is_no_way_back_to_plain(
    run: Run, tls: Tls, answer: bytes, why: str
) -> None:
    async def scenario() -> None:
        async with babbler(answer) as server:
            with pytest.raises(UnreachableError, match=why) as caught:
                async with join_room("demo", "ann", server=server, tls=tls):
                    pass
            assert not isinstance(caught.value, UntrustedError)

    run(scenario)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
def test_old_versions_are_not_spoken(run: Run, authority: Authority) -> None:
    context = authority.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    async def scenario() -> None:
        async with tiny_relay(tls=context) as (relay, server):
            with pytest.raises(UnreachableError) as caught:
                async with join_room("demo", "ann", server=server, tls=Tls(ca_file=authority.file)):
                    pass
            assert not isinstance(caught.value, UntrustedError)
            assert relay.received == b""

    run(scenario)


def test_a_certificate_that_changes_meanwhile_ends_the_membership(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        context = authority.context()
        before = authority.renew(context)
        async with (
            tiny_relay(tls=context) as (relay, server),
            join_room(
                "demo", "ann", server=server, tls=Tls(fingerprint=before), rejoin=RejoinPolicy(first_delay_seconds=0.01)
            ) as room,
        ):
            _, address = await relay.heard.get()
            relay.received = b""
            authority.renew(context)
            relay.transport.sendto(encode_notice(Disconnected(EvictionReason.SHUTDOWN)), address)
            async for event in room:
                last = event
            assert isinstance(last, Ended)
            assert last.reason is EndReason.UNTRUSTED
            assert relay.received == b""

    run(scenario)


def test_looking_at_a_relay_tells_its_fingerprint_and_the_doubt(
    run: Run, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        context = authority.context()
        shown = authority.renew(context)
        async with tiny_relay(tls=context) as (relay, server):
            presented = await look_at(server)
            assert (presented.fingerprint, presented.doubt) == (shown, NO_ISSUER)
            monkeypatch.setenv("SSL_CERT_FILE", authority.file)  # what the system trusts
            presented = await look_at(server)
            assert (presented.fingerprint, presented.doubt) == (shown, None)
            assert relay.received == b""

    run(scenario)


@pytest.mark.parametrize(("answer", "why"), [(b"hello, who are you?", "speak TLS"), (b"", "closed the connection")])
def test_what_speaks_no_tls_cannot_be_looked_at(run: Run, answer: bytes, why: str) -> None:
    async def scenario() -> None:
        async with babbler(answer) as server:
            with pytest.raises(UnreachableError, match=why):
                await look_at(server)

    run(scenario)


def test_a_look_takes_only_so_long_and_can_be_given_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            server = f"127.0.0.1:{silent.getsockname()[1]}"
            looking = asyncio.create_task(look_at(server))
            await asyncio.sleep(0)
            looking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await looking
            monkeypatch.setattr("chatclient.looking.LOOK_SECONDS", 0.01)
            with pytest.raises(UnreachableError, match="no answer in time"):
                await look_at(server)

    run(scenario)


def test_a_host_that_is_none_cannot_be_looked_at(run: Run) -> None:
    async def scenario() -> None:
        with pytest.raises(UnreachableError, match="the host name isn't legal"):
            await look_at("a..b:9000")

    run(scenario)


@pytest.mark.parametrize("content", [None, "junk"])
def test_a_file_of_authorities_that_cannot_be_used_is_named(run: Run, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authorities.pem"
    if content:
        file.write_text(content)

    async def scenario() -> None:
        with pytest.raises(ValueError, match=rf"^The file of authorities {file} can't be used \("):
            async with join_room("demo", "ann", tls=Tls(ca_file=str(file))):
                pass

    run(scenario)


def test_a_name_that_tls_cannot_ask_for_is_told_as_any_other_failure() -> None:
    secure = secure_by(Tls())
    assert secure
    with pytest.raises(TlsFailedError):
        secure(ServerAddress(".example", 9000), "")


def test_what_is_no_fingerprint_is_refused() -> None:
    with pytest.raises(ValueError, match="is no SHA-256 fingerprint"):
        Tls(fingerprint="12:34")


@pytest.mark.requirement("LIST-01")
def test_by_tls_a_relay_is_asked_that_proves_itself_and_no_other(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        async with tiny_relay(tls=authority.context()) as (relay, server):
            shown = await look_at(server)
            for stranger in (Tls(), Tls(fingerprint="00" * 32)):
                with pytest.raises(UntrustedError):
                    await list_rooms(server=server, tls=stranger)
            assert relay.received == b""
            for trusted in (Tls(ca_file=authority.file), shown.tls):
                assert await list_rooms(server=server, tls=trusted) == (ListedRoom("tea", 3, topic="at four"),)

    run(scenario)
