"""Where one types: with what was typed before, completion, and a count of bytes near the limit."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import TextArea

from chatproto import sanitize
from chatproto.text import NEWLINE_SIGN
from messenger.core.completion import complete
from messenger.core.conversation import Conversation
from messenger.core.recall import Recall
from messenger.presentation.i18n import _

NEAR: Final = 0.8
"""From this part of the limit on the bytes are counted."""


_APPS: Final = {"select_line", "select_all"}
"""What Textual does by F6 and F7, which are keys of the app here."""


class Composer(TextArea):
    """What is typed, in as many rows as there is place for; what becomes of it is the screen's business."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit"),
        Binding("up", "older"),
        Binding("down", "newer"),
        Binding("tab", "complete(1)"),
        Binding("shift+tab", "complete(-1)"),
        Binding("ctrl+d", "delete_or_leave"),
        Binding("alt+enter,shift+enter", "break_line"),
        Binding("pageup,shift+up", "scroll_transcript(-1)"),
        Binding("pagedown,shift+down", "scroll_transcript(1)"),
    ]

    class Submitted(Message):
        """Enter was pressed."""

    class LeaveWanted(Message):
        """Ctrl-D was pressed on an empty line."""

    class ScrollWanted(Message):
        """The messages above are to be scrolled, by so many pages."""

        def __init__(self, pages: int) -> None:
            super().__init__()
            self.pages = pages

    def __init__(self, conversation: Callable[[], Conversation | None], *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, highlight_cursor_line=False)
        self.match_cursor_bracket = False
        self._conversation = conversation
        self._recall = Recall()
        self._candidates: Sequence[str] = ()
        self._candidate = -1
        self._rest = ""
        self._counted = ""

    @property
    def value(self) -> str:
        """What stands there as one line, in which signs stand for its breaks (UDP-11)."""
        return _as_line(self.text)

    @property
    def size_bytes(self) -> int:
        """How many bytes stand there."""
        return len(self.value.encode(errors="replace"))

    def put(self, line: str, rest: str = "") -> None:
        """Let this stand there, the cursor at the end of ``line``."""
        rows = _as_rows(line)
        self.load_text(rows + _as_rows(rest))
        self.move_cursor((rows.count("\n"), len(rows.rpartition("\n")[2])))

    def take(self, text: str) -> None:
        """Write this where the cursor is, as it will be shown."""
        if line := sanitize(text.rstrip("\r\n")).replace("\t", " "):
            self.replace(_as_rows(line), *self.selection, maintain_selection_offset=False)

    def mistyped(self) -> None:
        """Have what stands there typed over."""
        self.select_all()

    def sent(self) -> None:
        """Keep the line among what was typed, and empty it."""
        self._recall.keep(self.value)
        self.put("")

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Leave the app its keys."""
        return action not in _APPS

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Count again."""
        event.stop()
        self.count()

    def action_submit(self) -> None:
        """Have it sent, or done."""
        self.post_message(self.Submitted())

    def action_older(self) -> None:
        """Go up a row; from the first one show what was typed before."""
        if not self.navigator.is_first_wrapped_line(self.cursor_location):
            self.action_cursor_up()
        elif (line := self._recall.older(self.value)) is not None:
            self.put(line)

    def action_newer(self) -> None:
        """Go down a row; from the last one show what was typed after that."""
        if not self.navigator.is_last_wrapped_line(self.cursor_location):
            self.action_cursor_down()
        elif (line := self._recall.newer()) is not None:
            self.put(line)

    def action_complete(self, step: int) -> None:
        """Complete a name or a command, and the next possible one each time; without a word go to the next pane."""
        if self._candidate >= 0 and self.value != self._candidates[self._candidate] + self._rest:
            self._candidates, self._candidate = (), -1  # something else was typed
        if not self._candidates:
            conversation = self._conversation()
            begun = _as_line(self.get_text_range((0, 0), self.cursor_location))
            self._rest = self.value[len(begun) :]
            if not self.text or conversation is None:
                self.screen.focus_next() if step > 0 else self.screen.focus_previous()
                return
            names = [person.name for person in conversation.roster.people if person.name != conversation.entry.name]
            self._candidates = complete(begun, names, conversation.may)
        if self._candidates:
            self._candidate = (self._candidate + step) % len(self._candidates) if self._candidate >= 0 else 0
            chosen = self._candidates[self._candidate]
            self.put(chosen, self._rest)
            if len(self._candidates) == 1:
                self._candidates, self._candidate = (), -1

    def action_delete_or_leave(self) -> None:
        """Delete the letter under the cursor; leave if there is nothing at all."""
        if self.text:
            self.action_delete_right()
        else:
            self.post_message(self.LeaveWanted())

    def action_break_line(self) -> None:
        """Begin a line within the message."""
        self.replace("\n", *self.selection, maintain_selection_offset=False)

    def action_delete_to_start_of_line(self) -> None:
        """Delete all that stands before the cursor, however many rows it has."""
        self.delete((0, 0), self.cursor_location)

    def action_scroll_transcript(self, pages: int) -> None:
        """Scroll what is above."""
        self.post_message(self.ScrollWanted(pages))

    async def _on_key(self, event: Key) -> None:
        """Let Enter be no letter."""
        if event.key == "enter":
            event.prevent_default()

    async def _on_paste(self, event: Paste) -> None:
        """Take all lines that are pasted as one message, as they will be shown."""
        event.prevent_default()
        event.stop()
        self.take(event.text)


def _as_rows(line: str) -> str:
    return line.replace(NEWLINE_SIGN, "\n")


def _as_line(rows: str) -> str:
    return rows.replace("\n", NEWLINE_SIGN)
