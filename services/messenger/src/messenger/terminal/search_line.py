"""The line to search with, above the one that is typed."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from messenger.core.conversation import Conversation
from messenger.core.searching import Search
from messenger.presentation.i18n import _
from messenger.presentation.state import found_in


class SearchLine(Input):
    """Takes words and says how often they were said; hidden until it is wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,up", "go(1)"),
        Binding("down,shift+enter", "go(-1)"),
        Binding("escape", "close"),
    ]

    class Found(Message):
        """A line was found, by its number, or none."""

        def __init__(self, number: int | None, words: str) -> None:
            super().__init__()
            self.number, self.words = number, words

    class Closed(Message):
        """The search is over."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, select_on_focus=True)
        self._search: Search | None = None

    def on_mount(self) -> None:
        """Say what it is for."""
        self.display = False
        self.border_title = Content(_("Search: Enter goes to the older message, Down to the newer one, Esc ends"))

    def begin(self, conversation: Conversation) -> None:
        """Let words be typed, and look for those that are there already."""
        self._search = Search(conversation.history)
        self.display = True
        self.focus()
        self.watch_value(self.value)

    def action_close(self) -> None:
        """Close the search."""
        if self._search:
            self._search = None
            self.display = False
            self.post_message(self.Found(None, ""))
            self.post_message(self.Closed())

    def watch_value(self, value: str) -> None:
        """Look for what is typed now."""
        if self._search:
            self._search.look_for(value)
            self._tell(self._search)

    def action_go(self, step: int) -> None:
        """Go to the older message that was found, or the newer one."""
        if self._search:
            self._search.go(step)
            self._tell(self._search)

    def _tell(self, search: Search) -> None:
        self.border_subtitle = Content(found_in(search))
        self.post_message(self.Found(search.found, search.words))
