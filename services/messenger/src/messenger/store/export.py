"""What was said in one conversation, saved as a text file when a person asks for it."""

import os
import re
from pathlib import Path
from typing import Final

from chatproto import sanitize
from chatproto.text import NEWLINE_SIGN
from messenger.core.conversation import Conversation
from messenger.presentation.i18n import _, ngettext
from messenger.presentation.state import said_of, title_of
from messenger.presentation.wording import system_words
from messenger.store.files import write_private

_UNFIT: Final = re.compile(r'[\x00-\x1f"*/:<>?\\|]+|^[. ]+|[. ]+$')
"""What some system can't have in a file's name."""
_MAX_NAME: Final = 60
_LATER_LINES: Final = "\n    "
"""Lines of a message after its first one are indented, so that none looks like a message of somebody else."""


class ExportError(Exception):
    """It can't be saved; ``str()`` is the sentence that says why."""


def suggested_name(conversation: Conversation) -> str:
    """Return a file's name for what was said until now: the room and the day of its newest line."""
    history = conversation.history
    day = f" {history[history.end - 1].at:%Y-%m-%d}" if history.end > history.start else ""
    return f"{_UNFIT.sub('_', title_of(conversation))[:_MAX_NAME]}{day}.txt"


def export(conversation: Conversation, file: str, *, overwrite: bool = False) -> str:
    """Save what was said, in a file that nobody else may read; in a directory, under `suggested_name`.

    Returns: the sentence that says so.

    Raises:
        FileExistsError: the file is there already, and isn't to be overwritten.
        ExportError: it can't be written.

    """
    lines = conversation.history.since(0)
    text = "".join(
        f"{line.at:%Y-%m-%d %H:%M:%S} {said_of(line).replace(NEWLINE_SIGN, _LATER_LINES)}\n" for line in lines
    )
    try:
        path = Path(file).expanduser()
        if path.is_dir():
            path /= suggested_name(conversation)
        (write_private if overwrite else _write_new)(path, text.encode(errors="replace").decode())
    except (OSError, RuntimeError, ValueError) as error:  # a home that isn't there is a RuntimeError
        if isinstance(error, FileExistsError) and not overwrite:
            raise
        why = str(error) if isinstance(error, RuntimeError) else system_words(error)
        form = _("{file} can't be written ({why}): choose another file.")
        raise ExportError(form.format(file=sanitize(file), why=why)) from None
    saved = ngettext("{count} line saved to {file}.", "{count} lines saved to {file}.", len(lines))
    return saved.format(count=len(lines), file=sanitize(str(path)))


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as opened:  # noqa: PTH123 - by descriptor
            opened.write(text)
    except OSError:
        path.unlink(missing_ok=True)  # half of it helps nobody
        raise
