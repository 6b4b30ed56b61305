"""Where one types: with what was typed before, completion, and a count of bytes near the limit."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input

from chatproto import sanitize
from chatproto.text import NEWLINE_SIGN
from messenger.core.completion import complete
from messenger.core.conversation import Conversation
from messenger.core.recall import Recall
from messenger.presentation.i18n import _

NEAR: Final = 0.8
"""From this part of the limit on the bytes are counted."""


class Composer(Input):
    """The line that is typed; what becomes of it is the screen's business."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "older"),
        Binding("down", "newer"),
        Binding("tab", "complete(1)"),
        Binding("shift+tab", "complete(-1)"),
        Binding("ctrl+d", "delete_or_leave"),
        Binding("alt+enter,shift+enter", "break_line"),
        Binding("pageup,shift+up", "scroll_transcript(-1)"),
        Binding("pagedown,shift+down", "scroll_transcript(1)"),
    ]

    class LeaveWanted(Message):
        """Ctrl-D was pressed on an empty line."""

    class ScrollWanted(Message):
        """The messages above are to be scrolled, by so many pages."""

        def __init__(self, pages: int) -> None:
            super().__init__()
            self.pages = pages

    def __init__(self, conversation: Callable[[], Conversation | None], *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, select_on_focus=False)
        self._conversation = conversation
        self._recall = Recall()
        self._candidates: Sequence[str] = ()
        self._candidate = -1
        self._rest = ""
        self._counted = ""

    @property
    def size_bytes(self) -> int:
        """How many bytes stand there."""
        return len(self.value.encode(errors="replace"))

    def put(self, text: str) -> None:
        """Let this stand there, the cursor at its end."""
        self.value = text
        self.cursor_position = len(text)

    def take(self, text: str) -> None:
        """Write this where the cursor is, in one line, as it will be shown."""
        if text := sanitize(text.rstrip("\r\n")).replace("\t", " "):
            start, end = self.selection
            self.replace(text, min(start, end), max(start, end))

    def mistyped(self) -> None:
        """Have what stands there typed over."""
        self.action_select_all()

    def sent(self) -> None:
        """Keep the line among what was typed, and empty it."""
        self._recall.keep(self.value)
        self.value = ""

    def count(self) -> None:
        """Write how many bytes there are into the border, near the limit of the conversation."""
        conversation = self._conversation()
        limit = conversation.max_message_bytes if conversation else 0
        size = self.size_bytes
        self.set_class(bool(limit) and size > limit, "-too-long")
        shown = bool(limit) and size >= limit * NEAR
        words = _("{size}/{limit} bytes").format(size=size, limit=limit) if shown else ""
        if words != self._counted:
            self._counted = words
            self.border_subtitle = Content(words)

    def watch_value(self, value: str) -> None:
        """Count again; what was offered for completion is forgotten once something else is typed."""
        if self._candidate >= 0 and value != self._candidates[self._candidate] + self._rest:
            self._candidates, self._candidate = (), -1
        if self.is_mounted:
            self.count()

    def action_older(self) -> None:
        """Show what was typed before."""
        line = self._recall.older(self.value)
        if line is not None:
            self.put(line)

    def action_newer(self) -> None:
        """Show what was typed after that."""
        line = self._recall.newer()
        if line is not None:
            self.put(line)

    def action_complete(self, step: int) -> None:
        """Complete a name or a command, and the next possible one each time; without a word go to the next pane."""
        if not self._candidates:
            conversation = self._conversation()
            begun, self._rest = self.value[: self.cursor_position], self.value[self.cursor_position :]
            if not self.value or conversation is None:
                self.screen.focus_next() if step > 0 else self.screen.focus_previous()
                return
            names = [person.name for person in conversation.roster.people if person.name != conversation.entry.name]
            self._candidates = complete(begun, names, conversation.may)
        if self._candidates:
            self._candidate = (self._candidate + step) % len(self._candidates) if self._candidate >= 0 else 0
            chosen = self._candidates[self._candidate]
            self.value = chosen + self._rest
            self.cursor_position = len(chosen)
            if len(self._candidates) == 1:
                self._candidates, self._candidate = (), -1

    def action_delete_or_leave(self) -> None:
        """Delete the letter under the cursor; leave if there is nothing at all."""
        if self.value:
            self.action_delete_right()
        else:
            self.post_message(self.LeaveWanted())

    def action_break_line(self) -> None:
        """Begin a line within the message."""
        self.insert_text_at_cursor(NEWLINE_SIGN)

    def action_scroll_transcript(self, pages: int) -> None:
        """Scroll what is above."""
        self.post_message(self.ScrollWanted(pages))

    def _on_paste(self, event: Paste) -> None:
        """Take all lines that are pasted as one, as they will be shown."""
        event.prevent_default()
        event.stop()
        self.take(event.text)
