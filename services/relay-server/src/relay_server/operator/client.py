"""Ask a running relay over its Unix socket."""

import http.client
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ANSWER_SECONDS: Final = 10.0

Row = dict[str, Any]


class AdminError(Exception):
    """The relay says no, or can't be asked; ``str()`` is one sentence."""


def ask(path: Path, command: str, arguments: Mapping[str, object]) -> list[Row]:
    """Give a command and return the rows of the answer.

    Raises:
        AdminError: the relay says no, isn't there, or is somebody else's.

    """
    connection = _Connection(path)
    try:
        connection.request("POST", f"/{command}", json.dumps(arguments), {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = response.read()
        status = response.status
    except (FileNotFoundError, ConnectionRefusedError):
        raise AdminError(f"No relay listens at {path}: start one, or say by RELAY_ADMIN_SOCKET where it is.") from None
    except PermissionError:
        raise AdminError(f"{path} is for the relay's user and root alone: say sudo.") from None
    except TimeoutError:
        raise AdminError(f"The relay at {path} doesn't answer: its log may tell why.") from None
    except (OSError, http.client.HTTPException) as error:
        raise AdminError(f"The relay at {path} gave no whole answer ({error}): its log may tell why.") from None
    finally:
        connection.close()
    return _read(body, status)


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("relay", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


def _read(body: bytes, status: int) -> list[Row]:
    try:
        rows = [json.loads(line) for line in body.splitlines()]
    except ValueError:
        raise AdminError("What answers there is no relay.") from None
    if status != http.client.OK:
        error = rows[0].get("error") if rows and isinstance(rows[0], dict) else None
        raise AdminError(str(error or f"The relay says no ({status})."))
    return rows
