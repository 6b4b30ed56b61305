"""A file of what was said, kept only when a person asks for it."""

import os
from pathlib import Path

from chatproto import sanitize
from messenger.core.conversation import Conversation
from messenger.core.history import Line
from messenger.core.messenger import Messenger
from messenger.presentation.i18n import _
from messenger.presentation.state import said_of
from messenger.presentation.wording import system_words


class LogbookError(Exception):
    """The file can't be used; ``str()`` is the sentence that says why."""


class Logbook:
    """Appends a line of text for each line of any conversation; all of it is harmless to show."""

    def __init__(self, path: Path) -> None:
        """Open the file, which nobody else may read if it is new.

        Raises:
            LogbookError: it can't be opened.

        """
        self._path = path
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            self._file = open(descriptor, "ab", buffering=0)  # noqa: PTH123, SIM115 - by descriptor
        except (OSError, ValueError) as error:
            raise self._error(error) from None

    def write(self, conversation: Conversation, line: Line) -> None:
        """Append a line.

        Raises:
            LogbookError: the disk is full, or the like.

        """
        title = conversation.title or _("lobby")
        try:
            self._file.write(f"{line.at:%Y-%m-%d %H:%M:%S} [{title}] {said_of(line)}\n".encode())
        except OSError as error:
            raise self._error(error) from None

    def follow(self, messenger: Messenger) -> None:
        """Write everything down; when that fails, it is said once, and the chats go on without."""

        def write(conversation: Conversation, line: Line) -> None:
            try:
                self.write(conversation, line)
            except LogbookError as error:
                messenger.on_line = lambda _conversation, _line: None
                conversation.note(str(error), problem=True)

        messenger.on_line = write

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _error(self, error: OSError | ValueError) -> LogbookError:
        reason = system_words(error)
        return LogbookError(
            _("The log {file} can't be written ({reason}).").format(file=sanitize(str(self._path)), reason=reason)
        )
