"""A network of one's own for a test: nothing but loopback, with the addresses it asks for; for Linux's root."""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
_HERE: Final = "/proc/thread-self/ns/net"


@contextmanager
def own_network(addresses: Sequence[str]) -> Iterator[None]:
    """Let this thread, and what it starts, be in a fresh network with these addresses (such as ``2001:db8::1/128``)."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open(_HERE, os.O_RDONLY)
    try:
        _check(libc.unshare(_CLONE_NEWNET))
        try:
            _run("link", "set", "lo", "up")
            for address in addresses:
                _run("address", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
            yield
        finally:
            _check(libc.setns(before, _CLONE_NEWNET))
    finally:
        os.close(before)


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _run(*words: str) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
