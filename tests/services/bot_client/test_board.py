"""What stands below the conversation of a cluster."""

import io

from rich.console import Console

from bot_client.board import board
from bot_client.ledger import Tally
from bot_client.nodes import sites
from bot_client.whereabouts import Whereabouts

PLACES = sites(9010)


def lines(case: Whereabouts, now: float, tally: Tally | None = None) -> list[str]:
    file = io.StringIO()
    shown = board(PLACES, case, tally or Tally(), now, elapsed_seconds=10, total_seconds=25)
    Console(file=file, width=100, highlight=False).print(shown)
    return file.getvalue().splitlines()


def drawn(case: Whereabouts, now: float, tally: Tally | None = None) -> list[str]:
    return [" ".join(line.split()) for line in lines(case, now, tally)]


def fresh() -> Whereabouts:
    case = Whereabouts({place.address: place.name for place in PLACES})
    case.find_home(["oslo"])
    case.enter("Ann", "127.0.0.1:9010", 1.0)
    case.enter("Ben", "127.0.0.1:9010", 1.0)
    case.enter("Cho", "127.0.0.1:9020", 1.0)
    return case


def test_each_node_has_a_line_with_its_people() -> None:
    _, oslo, kyoto, lima, *_ = drawn(fresh(), 5.0)
    assert oslo == "● oslo 127.0.0.1:9010 the room's home Ann, Ben"
    assert kyoto == "● kyoto 127.0.0.1:9020 Cho"
    assert lima == "● lima 127.0.0.1:9030"


def test_the_killed_node_is_marked_and_those_who_are_away_are_named() -> None:
    case = fresh()
    case.kill("oslo", 10.0)
    case.lose("Ann")
    case.lose("Ben")
    case.enter("Ben", "127.0.0.1:9020", 10.5)
    _, oslo, kyoto, _, away, *_ = drawn(case, 10.8)
    assert oslo == "✖ oslo 127.0.0.1:9010 killed 1 s ago"
    assert kyoto.endswith("Ben, Cho")
    assert away == "… away 0.8 s Ann"
    _, oslo, kyoto, _, away, *_ = lines(case, 10.8)
    assert (away.index("0.8 s"), away.index("Ann")) == (oslo.index("killed"), kyoto.index("Ben")), "in their columns"


def test_the_last_line_tells_how_the_words_fare_and_what_is_left() -> None:
    *_, last = drawn(fresh(), 5.0, Tally(sent=12, taken=11, delivered=40, lost=3))
    assert last.startswith("said 12 taken 11 copies delivered 40 lost 3")
    assert last.endswith("15 s left")
