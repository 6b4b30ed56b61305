"""What was said in one room, on the screen: only the rows that are seen are drawn."""

from typing import ClassVar, Final

from rich.style import Style
from textual.cache import LRUCache
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from messenger.core.conversation import Conversation
from messenger.terminal.layout import GUTTER, Layout, Part, Row
from messenger.terminal.painting import COMPONENTS, NUMBER, URL, Painter, body, prefix, select

_KEPT_STRIPS: Final = 1024


class Transcript(ScrollView, can_focus=True):
    """The messages of the conversation that is shown; it follows the newest while its end is seen."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS

    class LinkChosen(Message):
        """Somebody clicked on a link."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    class MessageChosen(Message):
        """Somebody clicked on a message's time, or on who said it."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    class Scrolled(Message):
        """The end came into sight or went out of it."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.following = True
        """Whether the newest line is in sight and stays so."""
        self._conversation: Conversation | None = None
        self._layout: Layout | None = None
        self._seen: object = None
        """Which lines and rows were there, to notice a change."""
        self._anchor: tuple[int, int] = (0, 0)
        """The line at the top of what is seen, and how many of its rows are above that."""
        self._strips: LRUCache[int, Strip] = LRUCache(_KEPT_STRIPS)
        self._painter: Painter | None = None
        self._mark: int | None = None
        self._changes = 0
        self._moving = False
        self._found: tuple[int | None, str] = (None, "")

    def show(self, conversation: Conversation) -> None:
        """Show another conversation: its end, or where one stopped reading if that is further up."""
        self._conversation = conversation
        self._layout = None
        self.screen.clear_selection()
        self.following = True
        self.take_in()
        if conversation.unread and conversation.mark is not None:
            self._go_to(conversation.mark)

    def take_in(self) -> None:
        """Show what the conversation has got meanwhile; what is read stays where it is."""
        conversation, width = self._conversation, self.scrollable_content_region.width
        if conversation is None or not width:
            return
        layout = self._layout
        if layout is None or layout.width != width:
            layout = self._layout = Layout(conversation.history, width)
            self._strips.clear()
            self._seen = None
        elif not self.following:
            row = layout.start + self.scroll_offset.y
            self._anchor = layout.line_at(row)
        if conversation.mark != self._mark:
            self._mark = conversation.mark
            self._strips.clear()  # rows get other numbers
        if conversation.history.changes != self._changes:
            self._changes = conversation.history.changes
            self._strips.clear()
            self.refresh()
        layout.sync(conversation.mark)
        seen = (layout.start, layout.end, conversation.history.end, conversation.mark)
        if seen != self._seen:
            self._seen = seen
            self._resettle(layout)

    def _go_to(self, line: int) -> None:
        """Put a line at the top, unless the end would be in sight anyway."""
        top = self._layout.top_of(line) - self._layout.start if self._layout else self.max_scroll_y
        if top < self.max_scroll_y:
            self.following = False
            self._move(top)

    def show_found(self, number: int | None, words: str) -> None:
        """Show a line in which words were found, and mark them there; None marks nothing any more."""
        self._found = (number, words)
        self._strips.clear()
        self.refresh()
        if number is None or self._layout is None:
            return
        top = self._layout.top_of(number) - self._layout.start
        if not self.scroll_offset.y <= top < self.scroll_offset.y + self.size.height - 1:
            self.scroll_to(y=top - self.size.height // 3, animate=False, force=True, immediate=True)

    def _resettle(self, layout: Layout) -> None:
        # Set past the reactive, which would lay out and draw the whole screen anew for each message.
        self.set_reactive(Transcript.virtual_size, Size(layout.width, layout.end - layout.start))
        self._scroll_update(self.virtual_size)  # private, and there is no public way: test_reading.py watches it
        line, offset = self._anchor
        self._move(self.max_scroll_y if self.following else layout.top_of(line) + offset - layout.start)
        self.refresh()

    def _move(self, row: int) -> None:
        if row != self.scroll_offset.y:
            self._moving = True
            self.scroll_to(y=row, animate=False, force=True, immediate=True)
            self._moving = False

    def go_to_end(self) -> None:
        """Show the newest line and follow."""
        self.following = True
        self._move(self.max_scroll_y)
        self.post_message(self.Scrolled())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow from now on, or don't, as the end is in sight."""
        super().watch_scroll_y(old_value, new_value)
        if self._moving or self._layout is None:
            return
        following = round(new_value) >= self.max_scroll_y
        self._anchor = self._layout.line_at(self._layout.start + round(new_value))
        if following != self.following:
            self.following = following
            self.post_message(self.Scrolled())

    def on_resize(self, _event: Resize) -> None:
        """Wrap anew; what is read stays at the top."""
        self.take_in()
        if self.following:
            self._move(self.max_scroll_y)

    def on_click(self, event: Click) -> None:
        """Tell of a link that is clicked, or a message."""
        url, number = event.style.meta.get(URL), event.style.meta.get(NUMBER)
        if isinstance(url, str):
            self.post_message(self.LinkChosen(url))
        elif isinstance(number, int):
            self.post_message(self.MessageChosen(number))

    def notify_style_update(self) -> None:
        """Draw in other colours."""
        super().notify_style_update()
        self._strips.clear()
        self._painter = None

    def render_line(self, y: int) -> Strip:
        """Draw a row of the screen."""
        layout = self._layout
        number = y + self.scroll_offset.y + (layout.start if layout else 0)
        if layout is None or not layout.start <= number < layout.end:
            return Strip.blank(self.size.width, self.rich_style)
        strip = self._strips.get(number)
        if strip is None:
            if self._painter is None:
                self._painter = Painter(self._style_of, dark=self.app.current_theme.dark)
            row = layout.row(number)
            words = self._found[1] if self._found[0] == row.number else ""
            strip = self._strips[number] = self._painter.paint(layout, row, words)
        selection = self.text_selection
        span = selection.get_span(number) if selection else None
        if span:
            strip = select(strip, *span, self.screen.get_component_rich_style("screen--selection"))
        return strip.apply_offsets(0, number).crop_extend(0, self.size.width, self.rich_style)

    def _style_of(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that is selected, as it was said: rows of one line are put together again."""
        layout = self._layout
        if layout is None:
            return None
        first = layout.start if selection.start is None else max(selection.start.y, layout.start)
        last = layout.end - 1 if selection.end is None else min(selection.end.y, layout.end - 1)
        text = ""
        before: Row | None = None
        for number in range(first, last + 1):
            row = layout.row(number)
            start, end = selection.get_span(number) or (0, 0)
            space = len(prefix(row, layout.indent))
            shown = prefix(row, layout.indent) + body(row)
            piece = shown[max(start, space if row.part is Part.LATER else GUTTER) : None if end < 0 else end]
            if row.part in {Part.DAY, Part.MARK}:
                piece = body(row)
            if before and row.part is Part.LATER:
                text += " " * (row.span[0] - before.span[1]) + piece
            else:
                text += ("\n" if before else "") + piece
            before = row
        return text, "\n"
