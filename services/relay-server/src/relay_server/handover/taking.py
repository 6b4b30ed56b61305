"""The new process: it builds its parts, takes the state, and reads the sockets when the old one doesn't any more."""

import asyncio
import gc
import json
import socket
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

from relay_server import __version__
from relay_server.core.restoring import Restoring
from relay_server.core.state import READABLE, StateError, decode_line
from relay_server.handover.books import load_books
from relay_server.handover.carried import load_carried
from relay_server.handover.channel import Channel
from relay_server.handover.program import CHANNEL
from relay_server.handover.protocol import (
    Begin,
    GoneError,
    HandoverError,
    Hello,
    Kind,
    encode,
    read_body,
    shared_moment,
)
from relay_server.inherited import Inherited, Lock
from relay_server.net.address import make_address
from relay_server.net.sockets import ListenError
from relay_server.operator.unix_socket import UnixSocket
from relay_server.parts import Parts, build
from relay_server.settings import Settings, SettingsError
from relay_server.state.journal import Journal
from relay_server.tls.certificate import CertificateError

KNOWN_SECONDS: Final = 5.0
"""So long the old process may take to tell the supervisor of this one."""

log = structlog.get_logger()


def find_giver(environ: MutableMapping[str, str]) -> socket.socket | None:
    """Return the socket to the process that hands over to this one, if there is one; its variable is removed."""
    number = environ.pop(CHANNEL, "")
    if not number:
        return None
    try:
        sock = socket.socket(fileno=int(number))
        sock.set_inheritable(False)
    except (OSError, ValueError):
        raise SettingsError(f"{CHANNEL} is for relays among themselves: remove it.") from None
    return sock


@contextmanager
def told(giver: socket.socket | None) -> Iterator[None]:
    """Tell the giver why this process can't take over, if the block says so by an error."""
    try:
        yield
    except (SettingsError, ListenError, CertificateError, StateError, HandoverError) as error:
        if giver and not isinstance(error, GoneError):
            sentence = f"The state can't be read: {error}." if isinstance(error, StateError) else str(error)
            with suppress(OSError):
                giver.sendall(encode(Kind.FAILED, sentence.encode()))
        if isinstance(error, StateError | HandoverError):
            raise SettingsError(str(error)) from None
        raise


class Taking:
    """What this process takes from the one before it."""

    def __init__(self, giver: socket.socket) -> None:
        self._channel = Channel(giver)
        self._unused: UnixSocket | None = None
        """The operators' socket, if the settings name another place."""
        self._left: Lock | None = None
        """The lock of the directory with the state, if the settings name another one or none."""

    async def take(self, settings: Settings) -> Parts:
        """Build the parts and put everybody into place; returns when the old process reads no socket any more.

        Raises:
            CertificateError: the certificate can't be used.
            HandoverError: the old process is gone, or doesn't say what it should.
            ListenError: a port can't be had.
            SettingsError: the settings are for another kind of relay, or a file that they name can't be used.
            StateError: the state can't stand here.

        """
        channel = self._channel
        await channel.send(Kind.HELLO, Hello(formats=tuple(sorted(READABLE)), version=__version__))
        begin = read_body(Begin, await channel.expect(Kind.BEGIN))
        if bool(settings.cluster_url) != (begin.node is not None):
            raise SettingsError("A relay can't join or leave a cluster while it runs: restart it.")
        sockets, admin, lock = self._take_descriptors(begin)
        parts = build(settings, Inherited(sockets.items(), admin=admin, lock=lock, node=begin.node))
        gc.freeze()  # as at any start: what is there now stays, and members don't
        await self._restore(parts, sockets)
        parts.past.replacements += 1
        if admin and admin is not parts.sockets.admin:
            self._unused = admin
        if lock and not (parts.keeper and parts.keeper.journal.lock == lock.descriptor):
            self._left = lock
        return parts

    async def serve(self) -> None:
        """Say that the sockets are read, and wait until the supervisor knows this process for the relay's."""
        with suppress(HandoverError, TimeoutError):
            async with asyncio.timeout(KNOWN_SECONDS):
                await self._channel.send(Kind.SERVING)
                await self._channel.receive()
        self._channel.close()
        if self._unused:
            self._unused.sock.close()
            self._unused.remove()
        if self._left:
            _forget_state(self._left)

    def _take_descriptors(self, begin: Begin) -> tuple[dict[str, socket.socket], UnixSocket | None, Lock | None]:
        found = self._channel.take_descriptors(len(begin.descriptors))
        numbers = dict(zip(begin.descriptors, found, strict=True))
        lock, admin = numbers.pop("lock", None), numbers.pop("admin", None)
        sockets = {name: socket.socket(fileno=number) for name, number in numbers.items()}
        return (
            sockets,
            None if admin is None else UnixSocket(Path(begin.admin_path or ""), socket.socket(fileno=admin)),
            None if lock is None else Lock(begin.state_directory or "", lock),
        )

    async def _restore(self, parts: Parts, sockets: dict[str, socket.socket]) -> None:
        settings = parts.settings
        lobby = parts.lobby if settings.lobby_port else None
        now = shared_moment(asyncio.get_running_loop().time())
        restoring = Restoring(parts.registry, lobby, make_address, now, handed_over=True)
        gc.disable()
        while True:
            kind, body = await self._channel.receive()
            if kind is Kind.LINES:
                for line in body.splitlines(keepends=True):
                    restoring.apply(decode_line(line))
            elif kind is Kind.BULK:
                gc.collect()  # now, for people wait later
                await self._channel.send(Kind.READY)
            elif kind is Kind.CARRIED and parts.tcp.edge:
                load_carried(parts.tcp.edge, body, self._channel.take_descriptors)
            elif kind is Kind.COUNTS:
                load_books(parts, json.loads(body), sockets)
            elif kind is Kind.COMMIT:
                break
            else:
                raise HandoverError("The other process speaks another protocol.")
        restoring.finish(asyncio.get_running_loop().time())
        gc.enable()


def _forget_state(lock: Lock) -> None:
    """Remove the state of a directory that isn't used any more: with it, who was kicked since would be back."""
    journal = Journal(Path(lock.directory), lock.descriptor)
    journal.clear()
    journal.close()
