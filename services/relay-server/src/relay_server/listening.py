"""All that a relay listens on: opened before anything is served, so that a busy port stops the start cleanly."""

import socket
from contextlib import ExitStack
from typing import NamedTuple

import structlog

from relay_server.inherited import NOTHING, Inherited, Wanted
from relay_server.net.sockets import ListenError, bind_udp, listen_tcp, set_udp_options
from relay_server.operator.location import AUTO, listen_for_operators
from relay_server.operator.unix_socket import UnixSocket
from relay_server.settings import Settings

log = structlog.get_logger()


class Sockets(NamedTuple):
    """All that the relay listens on."""

    tcp: socket.socket
    udp: list[socket.socket]
    """The rooms', then the lobby's if there is one."""
    ops: socket.socket | None
    link: socket.socket | None
    """For other nodes, if there is a cluster."""
    web: socket.socket | None
    """For browsers."""
    admin: UnixSocket | None

    @property
    def listening(self) -> tuple[socket.socket | None, ...]:
        """Those that accept connections over TCP."""
        return self.tcp, self.ops, self.link, self.web

    @property
    def by_name(self) -> dict[str, socket.socket]:
        """Those that a next process can inherit, by the names that `Inherited` knows them by."""
        named = {"tcp": self.tcp, "ops": self.ops, "link": self.link, "web": self.web}
        datagrams = dict(zip(("udp", "lobby"), self.udp, strict=False))
        return {name: sock for name, sock in named.items() if sock} | datagrams


def open_sockets(settings: Settings, inherited: Inherited = NOTHING) -> Sockets:
    """Open every socket that isn't inherited; what is inherited and isn't what the settings want is closed.

    Raises:
        ListenError: a port, or the operators' socket that is named, can't be had.

    """
    wanted = _wanted(settings)
    with ExitStack() as opened:
        found = inherited.choose(wanted)
        for sock in found.values():
            opened.enter_context(sock)
        for name, (kind, host, port) in wanted.items():
            if kind == socket.SOCK_STREAM and name not in found:
                found[name] = opened.enter_context(listen_tcp(host, port))
            elif kind == socket.SOCK_DGRAM and name in found:
                set_udp_options(found[name], host, settings.receive_buffer_bytes)
            elif kind == socket.SOCK_DGRAM:
                found[name] = opened.enter_context(bind_udp(host, port, settings.receive_buffer_bytes))
        admin = _open_admin_socket(settings, inherited.admin)
        opened.pop_all()  # all could be had
    udp = [found[name] for name in ("udp", "lobby") if name in found]
    return Sockets(found["tcp"], udp, found.get("ops"), found.get("link"), found.get("web"), admin)


def _wanted(settings: Settings) -> dict[str, Wanted]:
    """Return what the settings ask for, by name."""
    stream, datagram, host = socket.SOCK_STREAM, socket.SOCK_DGRAM, settings.host
    wanted = {
        "tcp": Wanted(stream, host, settings.tcp_port),
        "udp": Wanted(datagram, host, settings.udp_port),
        "lobby": Wanted(datagram, host, settings.lobby_port),
        "ops": Wanted(stream, settings.ops_host, settings.ops_port),
        "link": Wanted(stream, host, settings.link_port if settings.cluster_url else 0),
        "web": Wanted(stream, host, settings.web_port),
    }
    return {name: one for name, one in wanted.items() if one.port}


def _open_admin_socket(settings: Settings, inherited: UnixSocket | None) -> UnixSocket | None:
    """Open the operators' socket; without a place for it the relay serves all the same, unless one was named."""
    try:
        return listen_for_operators(settings.admin_socket, settings.tcp_port, inherited)
    except ListenError as error:
        if settings.admin_socket != AUTO:
            raise
        log.warning("admin_off", reason=str(error), advice="set RELAY_ADMIN_SOCKET to a path, or to nothing")
        return None
