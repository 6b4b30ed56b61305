"""All that a relay listens on: opened before anything is served, so that a busy port stops the start cleanly."""

import socket
from contextlib import ExitStack
from typing import NamedTuple

import structlog

from relay_server.net.sockets import ListenError, bind_udp, listen_tcp
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


def open_sockets(settings: Settings) -> Sockets:
    """Open every socket.

    Raises:
        ListenError: a port, or the operators' socket that is named, can't be had.

    """
    with ExitStack() as opened:
        tcp = opened.enter_context(listen_tcp(settings.host, settings.tcp_port))
        udp = [
            opened.enter_context(bind_udp(settings.host, port, settings.receive_buffer_bytes))
            for port in (settings.udp_port, settings.lobby_port)
            if port
        ]
        ops = None
        if settings.ops_port:
            ops = opened.enter_context(listen_tcp(settings.ops_host, settings.ops_port))
        link = None
        if settings.cluster_url:
            link = opened.enter_context(listen_tcp(settings.host, settings.link_port))
        web = None
        if settings.web_port:
            web = opened.enter_context(listen_tcp(settings.host, settings.web_port))
        admin = _open_admin_socket(settings)
        opened.pop_all()  # all could be had
    return Sockets(tcp, udp, ops, link, web, admin)


def _open_admin_socket(settings: Settings) -> UnixSocket | None:
    """Open the operators' socket; without a place for it the relay serves all the same, unless one was named."""
    try:
        return listen_for_operators(settings.admin_socket, settings.tcp_port)
    except ListenError as error:
        if settings.admin_socket != AUTO:
            raise
        log.warning("admin_off", reason=str(error), advice="set RELAY_ADMIN_SOCKET to a path, or to nothing")
        return None
