"""What people see: the conversation line by line, and under it, on a terminal, how things stand."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot_client.happenings import Happening, Spoken
from bot_client.ledger import Chat

_PEOPLE: Final = (
    "bright_cyan",
    "bright_yellow",
    "bright_magenta",
    "bright_green",
    "dodger_blue1",
    "orange1",
    "light_coral",
    "medium_purple1",
    "spring_green2",
    "deep_pink2",
)
_CHATS: Final = ("cyan", "magenta", "green", "yellow", "blue", "red")
_MAX_COLUMN: Final = 20
_MIN_WIDTH: Final = 60
"""A narrower terminal has no room for columns."""
LOBBY: Final = "lobby"


@dataclass(frozen=True, slots=True)
class Figures:
    """The status line's content."""

    rooms: int
    members: int
    lobby: int | None
    datagrams_in: float
    """Per second."""
    datagrams_out: float
    """Per second."""
    evictions: int
    elapsed_seconds: float
    total_seconds: float


class View:
    """Print happenings as lines; a context manager while a status line is to be shown below them.

    Args:
        console: where to print; without a terminal each line is plain text, and there is no status line.
        clock: gives the time of day that stands before each line.
        chats: rooms in the order of their colours; the lobby is None.
        names: who may speak, for the columns' width.
        title: says where something happens; the default says in which chat.

    """

    def __init__(
        self,
        console: Console,
        clock: Callable[[], str],
        chats: Iterable[Chat],
        names: Iterable[str],
        title: Callable[[Happening], str] | None = None,
    ) -> None:
        self._console = console
        self._clock = clock
        self._title = title or (lambda happening: chat_title(happening.chat))
        titles = [chat_title(chat) for chat in chats]
        self._chat_styles = {title: _CHATS[index % len(_CHATS)] for index, title in enumerate(titles)}
        self._name_styles: dict[str, str] = {}
        self._chat_width = _width(titles)
        self._name_width = _width(names)
        self._live: Live | None = None
        self._in_columns = console.is_terminal and not console.is_dumb_terminal and console.width >= _MIN_WIDTH

    def __enter__(self) -> Self:
        if self._in_columns:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def show(self, happening: Happening) -> None:
        """Print one happening."""
        spoken = isinstance(happening, Spoken)
        text = Text(str(happening), style="" if spoken else "dim italic")
        self._line(self._title(happening), happening.who if spoken else "", text)

    def announce(self, title: str, text: str, style: str) -> None:
        """Print what isn't a bot's doing."""
        self._line(title, "", Text(text, style=style))

    def status(self, figures: Figures) -> None:
        """Show how things stand; nothing without a terminal."""
        self.show_below(status_line(figures))

    def show_below(self, standing: RenderableType) -> None:
        """Replace what stands below the lines; nothing without a terminal."""
        if self._live:
            self._live.update(standing, refresh=True)

    def _line(self, chat: str, who: str, text: Text) -> None:
        time = self._clock()
        if not self._in_columns:
            speaker = f"{who}: " if who else "* "
            self._console.print(Text(f"{time} [{chat}] {speaker}{text.plain}"), soft_wrap=True)
            return
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=len(time), style="dim")
        grid.add_column(width=self._chat_width, no_wrap=True, overflow="ellipsis")
        grid.add_column(width=self._name_width, no_wrap=True, overflow="ellipsis", justify="right")
        grid.add_column(width=1, style="dim")
        grid.add_column(overflow="fold")
        bar = "│" if who else "·"
        chat_style = self._chat_styles.setdefault(chat, _CHATS[len(self._chat_styles) % len(_CHATS)])
        grid.add_row(
            time,
            Text(chat, style=chat_style if who else f"dim {chat_style}"),
            Text(who, style=f"bold {self._color(who)}"),
            bar,
            text,
        )
        self._console.print(grid)

    def _color(self, who: str) -> str:
        return self._name_styles.setdefault(who, _PEOPLE[len(self._name_styles) % len(_PEOPLE)])


def chat_title(chat: Chat) -> str:
    """Say what a chat is called on the screen."""
    return LOBBY if chat is None else chat


def status_line(figures: Figures) -> RenderableType:
    """Lay out the status line: figures, and how much of the show is left."""
    text = Text(no_wrap=True, overflow="ellipsis")
    parts = [("rooms", f"{figures.rooms}"), ("members", f"{figures.members}")]
    if figures.lobby is not None:
        parts.append(("lobby", f"{figures.lobby}"))
    parts.append(("datagrams/s", f"{figures.datagrams_in:.0f} in, {figures.datagrams_out:.0f} out"))
    parts.append(("evictions", f"{figures.evictions}"))
    for index, (name, value) in enumerate(parts):
        text.append("  " if index else "", style="dim")
        text.append(f"{name} ", style="dim")
        text.append(value, style="bold")
    return Group(Rule(style="dim"), with_time_left(text, figures.elapsed_seconds, figures.total_seconds))


def with_time_left(text: Text, elapsed_seconds: float, total_seconds: float) -> RenderableType:
    """Put beside a line of figures how much of the show is left."""
    left = max(0.0, total_seconds - elapsed_seconds)
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1)
    grid.add_column(width=16)
    grid.add_column(width=9, justify="right", style="dim")
    bar = ProgressBar(total=total_seconds, completed=elapsed_seconds, width=16, complete_style="cyan")
    grid.add_row(text, bar, f"{left:.0f} s left")
    return grid


def _width(texts: Iterable[str]) -> int:
    return min(_MAX_COLUMN, max(map(cell_len, texts), default=5))
