"""The words for what fails."""

import errno
import socket

import pytest

from chatclient import Fault, Finding
from chatclient.explaining import explain


@pytest.mark.parametrize(
    ("error", "fault", "words"),
    [
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
