"""Which names an HTTP request may call this machine by: a web page must not reach the relay by a name of its own.

That is DNS rebinding: a page's own name is pointed at this machine, and the browser then takes what it answers for the
page's. What an attacker needs for it is a name in the public DNS; an address, or a name without a dot, is none.
"""

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress
from threading import Thread
from typing import Final

_PRIVATE_ENDINGS: Final = (".home.arpa", ".internal", ".local", ".localhost")
"""Reserved: nobody can have a public name below them. Docker's ``host.docker.internal`` is one."""


class OwnNames:
    """The dotted names of this machine; ``configured`` are those that its operators call it by."""

    def __init__(self, *configured: str) -> None:
        self._dotted = {_plain(name) for name in (*configured, socket.gethostname())}

    def learn_full_name(self) -> Thread:
        """Ask the system for the machine's full name in a thread, which is returned: it may wait for the DNS."""
        thread = Thread(target=self._ask_system, name="full name", daemon=True)
        thread.start()
        return thread

    def _ask_system(self) -> None:
        with suppress(OSError, UnicodeError):  # a machine without a proper name has none to learn
            self._dotted.add(_plain(socket.getfqdn()))

    def accept(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Tell whether a request may be answered, by its headers with lower-case names; browsers always send Host."""
        return all(self._is_ours(value.decode("latin-1")) for name, value in headers if name == b"host")

    def _is_ours(self, host: str) -> bool:
        name = _plain(_without_port(host))
        return "." not in name or name.endswith(_PRIVATE_ENDINGS) or name in self._dotted or _is_ip(name)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, _ = host.partition(":")
    return name


def _plain(name: str) -> str:
    """Return a name as it compares: DNS doesn't tell case, nor a dot at the end."""
    return name.strip().lower().removesuffix(".")


def _is_ip(name: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False
