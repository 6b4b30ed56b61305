"""Six ways to make a client say in the clear, or to a stranger, what it wants to say over a stream (threat N7).

Each attack has a control: who doesn't insist on what is taken away is overheard, or let in.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chatclient import (
    Connection,
    Ended,
    Joined,
    Message,
    Reconnecting,
    Recovered,
    RefusedError,
    RejoinPolicy,
    Tls,
    Transport,
    UnreachableError,
    join_room,
)
from chatproto import ServerTransaction
from libs.chatclient.authority import Authority
from libs.chatclient.middleman import Ear, Middleman, ear, middleman
from libs.chatclient.tiny_streams import GRANT, TinyStreams, tiny_streams

Run = Callable[[Callable[[], Awaitable[None]]], None]
SECRET = "words that nobody else may read"
QUICKLY = RejoinPolicy(first_delay_seconds=0.01, max_delay_seconds=0.05)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@dataclass
class Stage:
    """A relay, somebody before it, and whatever comes over UDP."""

    relay: TinyStreams
    between: Middleman
    server: str
    ear: Ear

    def join(
        self, transport: Transport = Transport.STREAM, tls: Tls | None = None
    ) -> AbstractAsyncContextManager[Connection]:
        return join_room("demo", "ann", server=self.server, transport=transport, tls=tls, rejoin=QUICKLY)

    def assert_nothing_was_said(self) -> None:
        assert SECRET.encode() not in self.between.seen.data
        assert self.ear.heard.data == b""

    def assert_only_asked(self) -> None:
        """Check that not one byte followed the request, not even a ping or a keep-alive."""
        transaction = ServerTransaction()
        assert transaction.feed(self.between.seen.data)
        assert self.between.seen.data.endswith(b"}")
        assert self.relay.heard == []
        self.assert_nothing_was_said()


@asynccontextmanager
async def stage(authority: Authority | None = None) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        heard, port = await stack.enter_async_context(ear())
        relay = TinyStreams(replace(GRANT, udp_port=port))
        context = authority.context() if authority else None
        _, address = await stack.enter_async_context(tiny_streams(relay, context))
        between, server = await stack.enter_async_context(middleman(address))
        yield Stage(relay, between, server, heard)


async def speak(room: Connection) -> None:
    """Say the secret, and wait until somebody has it, or it is given up."""
    room.say(SECRET)
    async for event in room:
        if isinstance(event, Message | Ended | Reconnecting):
            break


def test_without_anybody_s_tricks_the_words_arrive(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        async with stage() as at, at.join() as room:
            await speak(room)
            assert SECRET.encode() in at.between.seen.data
        async with stage(authority) as at, at.join(tls=Tls(ca_file=authority.file)) as room:
            await speak(room)
            assert SECRET.encode() in at.relay.received
            at.assert_nothing_was_said()

    run(scenario)


def test_the_stream_is_taken_out_of_the_completion(run: Run) -> None:
    def strip(data: bytes) -> bytes:
        return data.replace(b'"chat": "stream"', b'"chat": "absent"')

    async def scenario() -> None:
        async with stage() as at:
            at.between.to_client = strip
            with pytest.raises(UnreachableError, match="nothing was said"):
                async with at.join():
                    pass
            at.assert_only_asked()
            assert b'"chat": "stream"' in at.between.answered
        async with stage() as at:  # the control
            at.between.to_client = strip
            async with at.join(Transport.UDP) as room:
                room.say(SECRET)
                await at.ear.heard.wait_for(SECRET.encode())

    run(scenario)


def test_features_are_taken_out_of_the_request(run: Run) -> None:
    def strip(data: bytes) -> bytes:
        return data.replace(b'"reply": "json"', b'"reply": "bare"')

    async def scenario() -> None:
        async with stage() as at:
            at.between.to_relay = strip
            with pytest.raises(UnreachableError, match="nothing was said"):
                async with at.join():
                    pass
            at.assert_only_asked()
        async with stage() as at:  # the control
            at.between.to_relay = strip
            async with at.join(Transport.UDP) as room:
                assert room.say(SECRET)

    run(scenario)


def pretend(port: int) -> Callable[[bytes], bytes]:
    """Answer in the clear as a relay that grants a stream."""

    def answer(request: bytes) -> bytes:
        transaction = ServerTransaction()
        try:
            asked = transaction.feed(request)
        except Exception:  # noqa: BLE001 - the beginning of TLS is no request
            return b""
        return transaction.accept() + transaction.complete(replace(GRANT, udp_port=port)) if asked else b""

    return answer


def test_somebody_answers_in_the_clear_where_tls_was_demanded(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        async with stage(authority) as at:
            at.between.impostor = lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n"
            with pytest.raises(UnreachableError):
                async with at.join(tls=Tls(ca_file=authority.file)):
                    pass
            assert b"ann" not in at.between.seen.data
            at.assert_nothing_was_said()
        async with stage() as at:  # the control
            at.between.impostor = pretend(9)
            async with at.join() as room:
                room.say(SECRET)
                await at.between.seen.wait_for(SECRET.encode())

    run(scenario)


def test_what_a_relay_once_answered_is_replayed(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        tls = Tls(ca_file=authority.file)
        async with stage(authority) as at, at.join(tls=tls) as room:
            await speak(room)
            answered = at.between.answered
        async with stage(authority) as at:
            at.between.impostor = lambda sent: answered if sent else b""
            with pytest.raises(UnreachableError):
                async with at.join(tls=tls):
                    pass
            assert b"ann" not in at.between.seen.data
            at.assert_nothing_was_said()
        async with stage() as at, at.join() as room:  # the control: in the clear nothing proves when it was said
            await speak(room)
            completion = at.between.answered
        async with stage() as at:
            at.between.impostor = lambda sent: completion if sent.endswith(b"}") else b""
            async with at.join() as room:
                assert isinstance(await anext(room), Joined)

    run(scenario)


@pytest.mark.parametrize("refuses", [True, False])
def test_a_stream_is_denied_to_who_insists_on_it(run: Run, *, refuses: bool) -> None:
    async def scenario() -> None:
        async with stage() as at:
            at.relay.refuses, at.relay.grant = refuses, replace(at.relay.grant, stream=False)
            with pytest.raises(RefusedError if refuses else UnreachableError):
                async with at.join():
                    pass
            at.assert_only_asked()
        async with stage() as at:  # the control
            at.relay.grant = replace(at.relay.grant, stream=False)
            async with at.join(Transport.AUTO) as room:
                room.say(SECRET)
                await at.ear.heard.wait_for(SECRET.encode())

    run(scenario)


def test_tls_is_cut_after_the_completion_and_the_way_back_is_plain(run: Run, authority: Authority) -> None:
    async def scenario() -> None:
        tls = Tls(ca_file=authority.file)
        async with stage(authority) as at, at.join(tls=tls) as room:
            assert isinstance(await anext(room), Joined)
            at.between.take_over(lambda sent: b"HTTP/1.1 400 Bad Request\r\n\r\n" if sent else b"")
            room.say(SECRET)
            breaks = 0
            async for event in room:
                breaks += isinstance(event, Reconnecting)
                if breaks == 3:
                    break
            assert at.between.connections > 2
            assert b"ann" not in at.between.seen.data
            at.assert_nothing_was_said()
        async with stage() as at, at.join() as room:  # the control
            assert isinstance(await anext(room), Joined)
            at.between.take_over(pretend(9))
            async for event in room:
                if isinstance(event, Recovered):
                    break
            room.say(SECRET)
            await at.between.seen.wait_for(SECRET.encode())
            assert at.between.connections == 2

    run(scenario)
