"""Files of one's own that are never half written."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_private(path: Path, text: str) -> None:
    """Write a whole file that nobody else may read; another program, or a full disk, never sees half of it.

    Raises:
        OSError: it can't be written; what was there before stays.

    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # its mode is 0600
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - by descriptor
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    """Read a file that can be written again.

    Raises:
        OSError: it can't be read.
        ValueError: it is no JSON in UTF-8, or a text in it has half a character.

    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise ValueError from error
    json.dumps(found, ensure_ascii=False).encode()
    return found
