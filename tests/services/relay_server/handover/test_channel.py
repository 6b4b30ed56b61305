"""The socket between two processes: frames larger than its buffer, descriptors, and its end."""

import asyncio
import os
import socket
import sys
from contextlib import suppress

import pytest

from relay_server.handover.channel import Channel
from relay_server.handover.protocol import GoneError, HandoverError, Kind, encode
from relay_server.net import loop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="relays take over on Linux alone")


@pytest.fixture(params=["uvloop", "asyncio"])
def use_uvloop(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "uvloop")


def test_frames_and_descriptors_cross(use_uvloop: bool) -> None:
    async def scenario() -> None:
        ours, theirs = map(Channel, socket.socketpair())
        reader, writer = os.pipe()
        body = b"x" * 3_000_000
        sending = asyncio.gather(ours.send(Kind.BEGIN, b"begin", [reader, writer]), ours.send(Kind.LINES, body))
        assert await theirs.expect(Kind.BEGIN) == b"begin"
        got_reader, got_writer = theirs.descriptors
        assert not os.get_inheritable(got_reader)
        os.close(reader)
        os.close(writer)
        os.write(got_writer, b"word")
        assert os.read(got_reader, 10) == b"word"
        assert (await theirs.receive()).body == body
        await sending
        theirs.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.close(got_reader)
        ours.close()

    loop.run(scenario(), use_uvloop=use_uvloop)


def test_descriptors_wait_until_there_is_room_for_them(use_uvloop: bool) -> None:
    async def scenario() -> None:
        ours, theirs = map(Channel, socket.socketpair())
        with suppress(BlockingIOError):
            while True:
                ours._sock.send(encode(Kind.LINES, bytes(1000)))
        numbers = [os.open("/", os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)]
        sending = asyncio.create_task(ours.send(Kind.CARRIED, b"", numbers))
        while (await theirs.receive()).kind is Kind.LINES:
            pass
        await sending
        taken = [theirs.take_descriptors(1)[0] for _ in numbers]
        assert [os.fstat(number).st_ino for number in taken] == [os.fstat(number).st_ino for number in numbers]
        with pytest.raises(HandoverError, match="other descriptors"):
            theirs.take_descriptors(1)
        for number in (*taken, *numbers):
            os.close(number)
        theirs.close()
        ours.close()

    loop.run(scenario(), use_uvloop=use_uvloop)


def test_the_end_and_a_failure_of_the_other_side_are_told(use_uvloop: bool) -> None:
    async def scenario() -> None:
        ours, theirs = map(Channel, socket.socketpair())
        await ours.send(Kind.FAILED, b"The port is in use.")
        with pytest.raises(HandoverError, match=r"^The port is in use\.$"):
            await theirs.receive()
        await ours.send(Kind.READY)
        with pytest.raises(HandoverError, match="another protocol"):
            await theirs.expect(Kind.SERVING)
        ours.close()
        with pytest.raises(GoneError):
            await theirs.receive()
        with pytest.raises(GoneError):
            await theirs.send(Kind.COMMIT)
        theirs.close()

    loop.run(scenario(), use_uvloop=use_uvloop)
