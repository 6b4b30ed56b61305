"""Somebody on the way to a relay who changes what is asked and granted over TCP, and hears all that UDP carries."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from chatproto import Frame, FrameDecoder, State, encode_frame
from conformance.relays import Relay

Fields = dict[str, Any]
Change = Callable[[Fields], Fields]


def leave_as_it_is(fields: Fields) -> Fields:
    return fields


class Stripper:
    """Stands between a client and a relay; ``asked`` and ``granted`` change a request and a completion.

    The completion names a port of its own, so that the client's datagrams go there; none is passed on.
    """

    def __init__(self, relay: Relay, asked: Change = leave_as_it_is, granted: Change = leave_as_it_is) -> None:
        self._relay, self._asked, self._granted = relay, asked, granted
        self._ends = ExitStack()
        self._tcp = self._ends.enter_context(socket.create_server(("127.0.0.1", 0)))
        self._udp = self._ends.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._udp.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    @property
    def server(self) -> str:
        """Where the client takes the relay to be."""
        return f"127.0.0.1:{self._tcp.getsockname()[1]}"

    @property
    def heard(self) -> list[bytes]:
        """All datagrams that came by now."""
        self._udp.setblocking(False)
        datagrams = []
        try:
            while True:
                datagrams.append(self._udp.recv(65_535))
        except BlockingIOError:
            return datagrams

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join()
        self._ends.close()

    def _serve(self) -> None:
        """Carry one transaction."""
        client, _ = self._tcp.accept()
        with client, socket.create_connection((self._relay.host, self._relay.tcp_port)) as relay:
            relay.sendall(self._changed(self._read(client), self._asked))
            for _ in range(2):
                if (frame := self._read(relay)) is None:
                    break
                client.sendall(self._changed(frame, self._grant))
            client.shutdown(socket.SHUT_WR)
            client.recv(1)

    def _grant(self, fields: Fields) -> Fields:
        if "udp_port" in fields:
            fields["udp_port"] = self._udp.getsockname()[1]
            return self._granted(fields)
        return fields

    @staticmethod
    def _read(connection: socket.socket) -> Frame | None:
        decoder = FrameDecoder(4096)
        while (frame := decoder.next_frame()) is None and (data := connection.recv(1)):
            decoder.feed(data)
        return frame

    @staticmethod
    def _changed(frame: Frame | None, change: Change) -> bytes:
        assert frame
        assert frame.state in {State.REQUEST, State.REPLY, State.COMPLETION}
        fields = change(json.loads(frame.payload))
        # What has a token alone is a plain completion (TCP-07).
        plain = fields.keys() == {"token"}
        payload = fields["token"].encode() if plain else json.dumps(fields).encode()
        return encode_frame(Frame(frame.operation, frame.state, frame.room, payload))
