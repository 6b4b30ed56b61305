"""Names, addresses and the words for what fails."""

import asyncio
import errno
import socket
from collections.abc import Sequence

import pytest

from chatclient import Fault, Finding, ServerAddress
from chatclient.connecting import connect, explain, resolve


def test_a_numeric_address_needs_no_asking() -> None:
    found = asyncio.run(resolve("::1", 7, socket.SOCK_DGRAM))
    assert found == [(socket.AF_INET6, ("::1", 7, 0, 0))]


def test_localhost_is_known() -> None:
    found = asyncio.run(resolve("localhost", 7, socket.SOCK_STREAM))
    assert ("127.0.0.1", 7) in [address[:2] for _, address in found]


def test_asking_can_be_given_up() -> None:
    async def scenario() -> None:
        asking = asyncio.create_task(resolve("no.such.host.invalid", 7, socket.SOCK_STREAM))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(scenario())


def test_who_doesnt_listen_refuses() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(connect(ServerAddress("127.0.0.1", bound.getsockname()[1])))


def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        with socket.socket() as refusing, socket.socket() as mute, socket.socket() as open_one:
            for bound in (refusing, mute, open_one):
                bound.bind(("127.0.0.1", 0))
            mute.listen(0)
            with socket.create_connection(mute.getsockname()):  # its queue is full: connecting hangs
                open_one.listen()
                addresses = [(socket.AF_INET, bound.getsockname()) for bound in (refusing, mute, open_one)]

                async def several(*_: object) -> Sequence[tuple[int, tuple[str, int]]]:
                    return addresses

                monkeypatch.setattr("chatclient.connecting.resolve", several)
                with await connect(ServerAddress("several.example", 9000)) as connection:
                    assert connection.getpeername() == open_one.getsockname()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("error", "fault", "words"),
    [
        (TimeoutError(), Fault.NO_ANSWER, "no answer in time"),
        (UnicodeError("label too long"), Fault.BAD_HOST, "the host name isn't legal"),
        (socket.gaierror(-2, "Name or service not known"), Fault.UNKNOWN_HOST, "the host name isn't known"),
        (OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 9)"), Fault.REFUSED, "connection refused"),
        (OSError(errno.ECONNRESET, ""), Fault.HUNG_UP, "connection reset by peer"),
        (OSError(errno.EHOSTUNREACH, ""), Fault.NO_ROUTE, "no route to host"),
        (OSError(errno.EACCES, ""), Fault.SYSTEM, "permission denied"),
        (OSError("several things at once"), Fault.SYSTEM, "the connection failed"),
    ],
)
def test_errors_in_few_words(error: Exception, fault: Fault, words: str) -> None:
    assert explain(error) == Finding(fault, words)
