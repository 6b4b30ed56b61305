"""Who is on which node, and for how long the death of one kept people out: told by a clock of plain floats."""

from bot_client.whereabouts import StrictLedger, Whereabouts

OSLO, KYOTO = "127.0.0.1:9010", "127.0.0.1:9020"


def fresh() -> Whereabouts:
    return Whereabouts({OSLO: "oslo", KYOTO: "kyoto"})


def test_everybody_is_where_they_came_in() -> None:
    case = fresh()
    assert case.enter("Ann", OSLO, 1.0) is None
    assert case.enter("Ben", KYOTO, 2.0) is None
    assert case.enter("Cho", OSLO, 3.0) is None
    assert (case.on("oslo"), case.on("kyoto")) == (["Ann", "Cho"], ["Ben"])


def test_who_is_away_is_nowhere_and_its_absence_begins_with_the_kill() -> None:
    case = fresh()
    case.find_home(["oslo"])
    case.enter("Ann", OSLO, 1.0)
    case.kill("oslo", 10.0)
    assert case.cut_off == {"Ann"}
    case.lose("Ann")  # which she notices a little later
    assert (case.on("oslo"), case.away) == ([], {"Ann"})
    assert case.enter("Ann", KYOTO, 10.75) == 0.75
    assert (case.on("kyoto"), case.away, case.cut_off, case.away_seconds) == (["Ann"], set(), set(), {"Ann": 0.75})


def test_who_is_elsewhere_before_it_notices_anything_was_cut_off_nevertheless() -> None:
    case = fresh()
    case.find_home(["oslo"])
    case.enter("Ann", OSLO, 1.0)
    case.kill("oslo", 10.0)
    assert case.enter("Ann", KYOTO, 10.25) == 0.25
    assert case.enter("Ann", KYOTO, 10.5) is None


def test_an_absence_that_no_kill_caused_is_none_of_its() -> None:
    case = fresh()
    case.find_home(["oslo"])
    case.enter("Ann", OSLO, 1.0)
    case.lose("Ann")
    assert case.enter("Ann", OSLO, 2.0) is None
    case.kill("oslo", 10.0)
    case.enter("Ann", KYOTO, 11.0)
    case.lose("Ann")
    assert case.enter("Ann", KYOTO, 15.0) is None
    assert case.away_seconds == {"Ann": 1.0}


def test_a_home_is_news_once_and_a_dead_node_is_none() -> None:
    case = fresh()
    assert not case.find_home([])
    assert case.find_home(["oslo"])
    assert not case.find_home(["oslo"])
    case.kill("oslo", 10.0)
    assert case.home == ""
    assert not case.find_home(["oslo"])  # an answer from before
    assert case.find_home(["kyoto"])
    assert case.home == "kyoto"


def test_the_death_of_another_node_leaves_the_home_and_cuts_nobody_off() -> None:
    case = fresh()
    case.find_home(["oslo"])
    case.enter("Ann", OSLO, 1.0)
    case.kill("kyoto", 1.0)
    assert (case.home, case.cut_off) == ("oslo", set())


def test_a_word_that_somebody_misses_while_cut_off_is_lost() -> None:
    ledger = StrictLedger(5.0, lambda _: None)
    for name in ("Ann", "Ben", "Cho"):
        ledger.enter("r", name)
    ledger.leave("r", "Cho")
    ledger.say("r", "Ann", "hello", 1.0)
    ledger.receive("r", "Ben", "Ann", "hello", 1.1)
    ledger.expire(7.0)
    assert (ledger.tally.delivered, ledger.tally.lost) == (1, 1)


def test_a_word_that_comes_after_all_is_none() -> None:
    ledger = StrictLedger(5.0, lambda _: None)
    for name in ("Ann", "Ben"):
        ledger.enter("r", name)
    ledger.say("r", "Ann", "hello", 1.0)
    ledger.leave("r", "Ben")
    ledger.enter("r", "Ben")
    ledger.receive("r", "Ben", "Ann", "hello", 3.0)
    ledger.expire(9.0)
    assert (ledger.tally.delivered, ledger.tally.lost, ledger.tally.members) == (1, 0, 2)
