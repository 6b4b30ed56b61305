"""What stands below the conversation of a cluster: its nodes, who is on which, and how the words fare."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot_client.ledger import Tally
from bot_client.nodes import Site
from bot_client.view import with_time_left
from bot_client.whereabouts import Whereabouts


def board(
    places: Sequence[Site],
    whereabouts: Whereabouts,
    tally: Tally,
    now: float,
    *,
    elapsed_seconds: float,
    total_seconds: float,
) -> RenderableType:
    """Lay out the nodes, one a line, and the figures."""
    grid = Table.grid(padding=(0, 1))
    for _ in range(5):
        grid.add_column(no_wrap=True, overflow="ellipsis")
    for place in places:
        grid.add_row(*_node(place, whereabouts, now))
    if whereabouts.away:
        since = f"{now - whereabouts.killed_at:.1f} s" if whereabouts.killed else ""
        grid.add_row("…", "away", "", since, ", ".join(sorted(whereabouts.away)), style="bold yellow")
    return Group(Rule(style="dim"), grid, with_time_left(_words(tally), elapsed_seconds, total_seconds))


def _node(place: Site, whereabouts: Whereabouts, now: float) -> tuple[RenderableType, ...]:
    if place.name == whereabouts.killed:
        state = f"killed {now - whereabouts.killed_at:.0f} s ago"
        return Text("✖", "bold red"), Text(place.name, "red strike"), Text(place.address, "dim"), Text(state, "red"), ""
    is_home = place.name == whereabouts.home
    people = ", ".join(whereabouts.on(place.name))
    name = Text(place.name, "bold")
    return (
        Text("●", "green"),
        name,
        Text(place.address, "dim"),
        Text("the room's home" if is_home else "", "cyan"),
        people,
    )


def _words(tally: Tally) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for name, count in (
        ("said", tally.sent),
        ("taken", tally.taken),
        ("copies delivered", tally.delivered),
        ("lost", tally.lost),
    ):
        text.append(f"{name} ", style="dim")
        text.append(f"{count}  ", style="bold")
    return text
