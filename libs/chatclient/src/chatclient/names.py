"""From a host's name to its addresses, without keeping the event loop waiting."""

import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from chatbrain import Finding
from chatbrain.findings import NO_ZONE
from chatclient.explaining import explain


class Address(NamedTuple):
    """A numeric address as the socket module has it."""

    family: int
    name: tuple[Any, ...]

    def __str__(self) -> str:
        return str(self.name[0])

    @property
    def lacks_zone(self) -> bool:
        """Whether it is a link-local address of which nobody knows by which interface it is reached."""
        return len(self.name) == 4 and not self.name[3] and ipaddress.IPv6Address(self.name[0]).is_link_local

    def at(self, port: int) -> tuple[Any, ...]:
        """Return what sockets take for one of its ports."""
        return (self.name[0], port, *self.name[2:])


class Lookup:
    """Find out a host's addresses, or why there are none; ``then`` is told by what ``call_soon_threadsafe`` calls."""

    def __init__(
        self,
        host: str,
        then: Callable[[list[Address] | Finding], None],
        call_soon_threadsafe: Callable[[Callable[[], None]], object],
    ) -> None:
        self._host = host
        self._then = then
        self._call_soon = call_soon_threadsafe
        self._cancelled = False
        try:
            found = _look_up(host, socket.AI_NUMERICHOST)
        except (OSError, ValueError):  # a name, so somebody has to be asked
            # The loop's own pool would keep the program from ending while a name server doesn't answer.
            threading.Thread(target=self._ask, daemon=True).start()
        else:
            usable = [address for address in found if not address.lacks_zone]
            self._call_soon(partial(self._tell, usable or NO_ZONE))

    def cancel(self) -> None:
        """Call back no more."""
        self._cancelled = True

    def _ask(self) -> None:
        found: list[Address] | Finding
        try:
            found = _look_up(self._host)
        except (OSError, ValueError) as error:  # a ValueError, and a UnicodeError, is about the name
            found = explain(error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._call_soon(partial(self._tell, found))

    def _tell(self, found: list[Address] | Finding) -> None:
        if not self._cancelled:
            self._then(found)


def _look_up(host: str, flags: int = 0) -> list[Address]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    return [Address(family, name) for family, _, _, _, name in found]


def own_addresses() -> list[str]:
    """Return the addresses by which other machines reach this one; empty without a network. Nothing is sent."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))  # has the kernel choose a way out
            found.append(probe.getsockname()[0])
    return found
