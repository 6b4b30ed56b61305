"""Sockets that serve both address families, with the options that a relay's sockets need."""

import errno
import ipaddress
import socket
import sys
from typing import Final

from relay_server.core.address import parse_ip

WILDCARDS: Final = frozenset(("", "*", "::", "0.0.0.0"))

_PROTOCOLS: Final = {socket.SOCK_STREAM: socket.IPPROTO_TCP, socket.SOCK_DGRAM: socket.IPPROTO_UDP}
"""asyncio turns Nagle's algorithm off for connections whose listening socket names TCP: else a second small write
waits for the other system to confirm the first one, up to 40 ms."""

_BACKLOG: Final = 1024
"""So many connections wait at most to be accepted."""
_SO_RCVBUFFORCE, _SO_SNDBUFFORCE = 33, 32
_IPPROTO_IP, _IP_MTU_DISCOVER = 0, 10
_IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _IPV6_RECVPKTINFO = 41, 23, 49
_PMTUDISC_OMIT = 5


class ListenError(Exception):
    """An address that can't be listened on; ``str()`` says why and what to do."""

    def __init__(self, sentence: str, *, in_use: bool = False) -> None:
        super().__init__(sentence)
        self.in_use = in_use


def is_wildcard(host: str) -> bool:
    """Tell whether the host means all addresses of the machine, so that answers must be pinned to one."""
    return host in WILDCARDS


def own_ip(host: str) -> bytes | None:
    """Return the IP (see `core.address`) that a socket for the host is bound to; None if that is every one."""
    if is_wildcard(host):
        return None
    try:
        return parse_ip(_resolve(host, socket.AF_INET6))
    except (OSError, UnicodeError):  # which is said when the socket is bound
        return None


def listen_tcp(host: str, port: int) -> socket.socket:
    """Open a listening socket, for both address families where the host allows.

    Raises:
        ListenError: it can't be had.

    """
    sock = _open(socket.SOCK_STREAM)
    # A restarted relay need not wait for the last one's connections to time out.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bind(sock, host, port, "TCP")
    sock.listen(_BACKLOG)
    return sock


def bind_udp(host: str, port: int, buffer_bytes: int) -> socket.socket:
    """Open a datagram socket with large buffers, for both address families where the host allows.

    Raises:
        ListenError: it can't be had.

    """
    sock = _open(socket.SOCK_DGRAM)
    set_udp_options(sock, host, buffer_bytes)
    _bind(sock, host, port, "UDP")
    return sock


def set_udp_options(sock: socket.socket, host: str, buffer_bytes: int) -> None:
    """Give a datagram socket what the relay's need: large buffers, and Linux's options."""
    _set_buffers(sock, buffer_bytes)
    if sys.platform == "linux":
        _set_linux_options(sock, pinned=is_wildcard(host))


def is_bound(sock: socket.socket, kind: socket.SocketKind, host: str, port: int) -> bool:
    """Tell whether a socket that was opened elsewhere is what `listen_tcp` or `bind_udp` would open."""
    protocols = {0, _PROTOCOLS[kind]}  # 0 means just that
    with _open(kind) as fresh:
        if (sock.family, sock.type) != (fresh.family, kind) or sock.proto not in protocols:
            return False
    if (
        sock.family == socket.AF_INET6
        and is_wildcard(host)
        and sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    ):
        return False  # only for these: Linux sets it when a socket is bound to one IPv6 address
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) != (kind == socket.SOCK_STREAM):
        return False
    own_ip, own_port = sock.getsockname()[:2]
    try:
        return own_port == port and parse_ip(own_ip) == parse_ip(_resolve(host, sock.family))
    except (OSError, UnicodeError):  # a name that isn't found is said when a socket is bound to it
        return False


def _open(kind: socket.SocketKind) -> socket.socket:
    protocol = _PROTOCOLS[kind]
    try:
        sock = socket.socket(socket.AF_INET6, kind, protocol)
    except OSError:  # a kernel without IPv6
        sock = socket.socket(socket.AF_INET, kind, protocol)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setblocking(False)
    return sock


def _bind(sock: socket.socket, host: str, port: int, kind: str) -> None:
    try:
        sock.bind((_resolve(host, sock.family), port))
    except (OSError, UnicodeError) as error:
        sock.close()
        where = f"{kind} port {port} on {host or '::'}"
        if isinstance(error, UnicodeError):
            raise ListenError(f"{where} can't be listened on (no legal name): check the host.") from None
        if error.errno == errno.EADDRINUSE:
            sentence = f"{where} is in use: end the other program or choose another port."
            raise ListenError(sentence, in_use=True) from None
        if error.errno == errno.EACCES:
            raise ListenError(f"{where} needs more rights: choose a port from 1024 up.") from None
        raise ListenError(f"{where} can't be listened on ({error.strerror}): check the host.") from None


def _resolve(host: str, family: socket.AddressFamily) -> str:
    """Return the numeric host in the spelling that the socket's family takes."""
    if host in {"", "*", "::"}:
        return "::" if family == socket.AF_INET6 else "0.0.0.0"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        address = ipaddress.ip_address(str(found[0][4][0]).partition("%")[0])
    return f"::ffff:{address}" if address.version == 4 and family == socket.AF_INET6 else str(address)


def _set_buffers(sock: socket.socket, size: int) -> None:
    for forced, plain in ((_SO_RCVBUFFORCE, socket.SO_RCVBUF), (_SO_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, size)
        except OSError:  # only root may go beyond net.core.rmem_max
            sock.setsockopt(socket.SOL_SOCKET, plain, size)


def _set_linux_options(sock: socket.socket, *, pinned: bool) -> None:
    """Ignore forged path MTUs (threat U10), and learn which local address was spoken to.

    Both families' options are set: a dual-stack socket obeys each for its own kind of peer.
    """
    sock.setsockopt(_IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_OMIT)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(_IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_OMIT)
        if pinned:
            sock.setsockopt(_IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
