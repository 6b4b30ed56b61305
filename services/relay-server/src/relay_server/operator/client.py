"""Ask a running relay over its Unix socket (see `operator.server`)."""

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

ANSWER_SECONDS: Final = 10.0

Row = dict[str, Any]


class AdminError(Exception):
    """The relay says no, or can't be asked; ``str()`` is one sentence."""

    def __init__(self, sentence: str, *, is_misplaced: bool = False) -> None:
        """``is_misplaced`` says that the relay, as it is set up, can never do it."""
        super().__init__(sentence)
        self.is_misplaced = is_misplaced


class AbsentError(AdminError):
    """No relay is there."""


def ask(
    path: Path, command: str, arguments: Mapping[str, object], *, answer_seconds: float = ANSWER_SECONDS
) -> list[Row]:
    """Give a command and return the rows of the answer, which may take so long to begin.

    Raises:
        AdminError: the relay says no, isn't there, or is somebody else's.

    """
    request = json.dumps({"command": command, "arguments": arguments}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(answer_seconds)
            sock.connect(os.fspath(path))
            with suppress(BrokenPipeError):  # what is too long is answered before all of it is read
                sock.sendall(request)
            with sock.makefile("rb") as answer:
                line = answer.readline()
    except (FileNotFoundError, ConnectionRefusedError):
        raise AbsentError(f"No relay listens at {path}: start one, or say by RELAY_ADMIN_SOCKET where it is.") from None
    except PermissionError:
        raise AdminError(f"{path} is for the relay's user and root alone: say sudo.") from None
    except TimeoutError:
        raise AdminError(f"The relay at {path} doesn't answer: its log may tell why.") from None
    except OSError as error:
        raise AdminError(f"The relay at {path} gave no whole answer ({error}): its log may tell why.") from None
    if not line.endswith(b"\n"):
        raise AdminError(f"The relay at {path} gave no whole answer: its log may tell why.")
    return _read(line)


def _read(line: bytes) -> list[Row]:
    try:
        answer = json.loads(line)
        error = answer.get("error")
        rows: list[Row] = [] if error else answer["rows"]
    except (ValueError, AttributeError, KeyError):
        raise AdminError("What answers there is no relay.") from None
    if error:
        raise AdminError(str(error), is_misplaced=answer.get("misplaced") is True)
    return rows
