"""Scenarios of one's own, played on a real relay: what bots say, hear and expect, and where it goes wrong."""

import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conformance.people import People
from conformance.relays import CommonRelays
from e2e import here

Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def play(common_relays: CommonRelays, tmp_path: Path) -> Play:
    """Play a scenario that is given as text, with more words for the command line and BOT_ variables."""
    relay = common_relays.get().relay
    where = ("--server", f"{relay.host}:{relay.tcp_port}", "--lobby-port", str(relay.lobby_port))
    file = tmp_path / "scenario.yaml"

    def run(scenario: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        file.write_text(scenario, "utf-8")
        return here.bot_client("run", "--scenario", str(file), *where, *arguments, **variables)

    return run


SCENARIO = """\
title: Two friends
rooms: ["attic-{id}"]
bots:
  - name: Ann
    room: "attic-{id}"
    steps:
      - create
      - expect: {text: here I am, from: Ben}
      - say: "Hello, Ben! こんにちは"
      - expect: {regex: "^bye", from: Ben}
      - leave
  - name: Ben
    room: "attic-{id}"
    steps:
      - join
      - say: here I am
      - expect: {text: Hello, from: Ann, within_seconds: WITHIN}
      - say: bye now
      - expect: {text: "disconnected: host_left", from: server}
      - join: {refused: no_such_room}
      - lobby
      - say: hi there
"""


@pytest.mark.slow
def test_a_scenario_of_ones_own_is_played(play: Play) -> None:
    file = SCENARIO.replace("WITHIN", "10")
    done = play(file, "--name-prefix", "x")
    assert (done.returncode, done.stderr) == (0, "")
    for line in ("xAnn: Hello, Ben! こんにちは", "xBen: bye now", "xBen is out: the host left", "xBen is refused"):
        assert line in done.stdout
    assert re.search(r"evictions +1 +1 host left", done.stdout)


@pytest.mark.slow
def test_an_expectation_that_fails_fails_the_run(play: Play) -> None:
    file = SCENARIO.replace("WITHIN", "0.3").replace("Hello,", "Hi,", 1)
    done = play(file)
    assert done.returncode == 1
    assert done.stderr == 'Ben waited 0.3 s for "Hello" from Ann, which never came.\n'
    assert "Report" in done.stdout


def test_a_refusal_that_nobody_expected_fails_the_run(play: Play) -> None:
    file = (
        "title: Alone\nrooms: [nowhere]\nbots:\n  - name: Ann\n    room: nowhere\n"
        "    steps: [join: {within_seconds: 0.2}]\n"
    )
    done = play(file)
    assert done.returncode == 1
    assert done.stderr.startswith('Ann couldn\'t join "nowhere": There is no room of this name')


def test_bots_use_their_own_password_or_the_common_one(play: Play, common_relays: CommonRelays) -> None:
    file = (
        "title: Closed\nrooms: [cellar, attic, vault]\nbots:\n"
        "  - {name: Ann, room: cellar, steps: [create, expect: {text: here I am, within_seconds: 40}]}\n"
        "  - {name: Ben, room: cellar, steps: [join: {within_seconds: 40}, say: here I am]}\n"
        "  - {name: Ida, room: attic, password: '', steps: [create, expect: {text: hello, within_seconds: 40}]}\n"
        "  - {name: Jon, room: attic, steps: [join: {within_seconds: 40}, say: hello]}\n"
        "  - {name: Eve, room: vault, password: 'no', steps: [join: {refused: wrong_password}]}\n"
        "  - {name: Ned, room: vault, password: '', steps: [join: {refused: wrong_password}]}\n"
        "  - {name: Tom, room: vault, password: simsim, steps: [enter, say: it fits]}\n"
    )
    with People(common_relays.get().relay) as people:
        host = people.create(b"vault", b"Liz", password="simsim")
        done = play(file, BOT_PASSWORD="open sesame")
        assert host.receive_until(lambda data: b"it fits" in data) == b"Tom: it fits"
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"2 wrong password", done.stdout), done.stdout
    assert "sesame" not in done.stdout


def test_bots_meet_in_sealed_rooms_by_their_own_key_or_the_common_one(play: Play, common_relays: CommonRelays) -> None:
    key, other = "AAECAwQFBgcICQoLDA0ODw", "AAAAAAAAAAAAAAAAAAAAAA"
    file = (
        "title: Sealed\nrooms: [cellar, attic, street, vault]\nbots:\n"
        "  - {name: Ann, room: cellar, steps: [create, expect: {text: here I am, within_seconds: 40}]}\n"
        "  - {name: Ben, room: cellar, steps: [join: {within_seconds: 40}, say: here I am]}\n"
        "  - {name: Ida, room: attic, room_key: KEY, steps: [create, expect: {text: hello, within_seconds: 40}]}\n"
        "  - {name: Jon, room: attic, room_key: KEY, steps: [join: {within_seconds: 40}, say: hello]}\n"
        "  - {name: Liz, room: street, room_key: '', steps: [create, expect: {text: hi, within_seconds: 40}]}\n"
        "  - {name: Tom, room: street, room_key: '', steps: [join: {within_seconds: 40}, say: hi]}\n"
        "  - {name: Eve, room: vault, room_key: '', steps: [join: {refused: sealed}]}\n"
        "  - {name: Ned, room: vault, steps: [join, say: nobody reads that]}\n"
    )
    with People(common_relays.get().relay) as people:
        host = people.create(b"vault", b"Zoe", features=("sealed",), more={"sealed": True})
        done = play(file.replace("KEY", other), BOT_ROOM_KEY=key)
        assert host.receive_until(lambda data: data.startswith(b"Ned: ")).startswith(b"Ned: e2e1.")
    assert (done.returncode, done.stderr) == (0, "")
    assert "here I am" in done.stdout
    assert not {key, other} & set(re.findall(r"[\w-]{22}", done.stdout))


def test_a_wrong_password_that_nobody_expected_fails_the_run(play: Play) -> None:
    file = (
        "title: Locked\nrooms: [safe]\nbots:\n"
        "  - {name: Ann, room: safe, password: one, steps: [create]}\n"
        "  - {name: Ben, room: safe, password: another, steps: [join]}\n"
    )
    done = play(file)
    assert (done.returncode, done.stderr) == (1, 'Ben couldn\'t join "safe": The password is wrong.\n')


def test_evicted_bots_join_again(play: Play) -> None:
    file = (
        "title: Again\nrooms: [porch]\nbots:\n"
        "  - name: Ann\n    room: porch\n    steps:\n"
        "      - repeat: {times: 2, steps: [create, expect: here I am, leave]}\n"
        "  - name: Ben\n    room: porch\n    steps:\n"
        "      - repeat: {times: 2, steps: [join, say: here I am, expect: 'disconnected: host_left']}\n"
    )
    done = play(file)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"evictions +2 +2 host left", done.stdout)


@pytest.mark.slow
def test_a_seed_makes_chatter_repeatable(play: Play) -> None:
    file = (
        "title: Alone\nbots:\n  - name: Ann\n    steps: [lobby, chatter: {rate: 50, seconds: 0.5, lines: "
        "[one, two, three, four, five, six, seven, eight, nine, ten]}]\n"
    )

    def said(seed: int) -> list[str]:
        return re.findall(r"Ann: (\w+)", play(file, "--seed", str(seed)).stdout)[:8]

    first = said(1)
    assert len(first) == 8
    assert said(1) == first
    assert said(2) != first


def test_who_has_lost_its_place_says_nothing_until_it_is_in_one_again(play: Play) -> None:
    done = play(
        "title: Closing time\nrooms: [bar]\nbots:\n"
        "  - {name: Ann, room: bar, steps: [create, expect: cheers, leave]}\n"
        "  - {name: Ben, room: bar, steps: [join, say: cheers, expect: 'disconnected: host_left', say: alone,"
        " enter, enter, say: mine now]}\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "alone" not in done.stdout
    assert done.stdout.count("Ben creates the room and is its host") == 1
    assert "Ben: mine now" in done.stdout


def test_a_refusal_that_is_expected_and_does_not_come_fails_the_run(play: Play) -> None:
    done = play(
        "title: Open\nrooms: [door]\nbots:\n"
        "  - {name: Ann, room: door, steps: [create, expect: {text: nothing, within_seconds: 60}]}\n"
        "  - {name: Eve, room: door, steps: [join, leave, join: {refused: no_such_room}]}\n"
    )
    assert done.returncode == 1
    assert done.stderr.startswith('Eve couldn\'t join "door", though no_such_room was expected: ')
    assert "Eve joins" in done.stdout
    assert "Eve leaves\n" in done.stdout


@pytest.mark.slow
def test_what_takes_its_time_ends_with_it(play: Play) -> None:
    done = play(
        "title: Clock\nbots:\n  - name: Ann\n    steps:\n      - lobby\n"
        "      - repeat: {seconds: 0.2, steps: [say: tick, wait: 60]}\n"
        "      - chatter: {lines: [tock], rate: 10, seconds: 0.3}\n"
        "      - wait: [0.01, 0.02]\n"
        "      - say: over\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = re.findall(r"Ann: (\w+)", done.stdout)
    assert (said[0], said.count("tick"), said[-1]) == ("tick", 1, "over")
    assert 1 <= said.count("tock") <= 6


@pytest.mark.slow
def test_a_run_ends_when_its_time_is_up_whatever_the_bots_still_do(play: Play) -> None:
    done = play(
        "title: On and on\nrooms: [loop]\n"
        "bots: [{name: Ann, room: loop, steps: [create, repeat: {steps: [say: more, wait: 0.1]}]}]\n",
        "--duration-seconds",
        "1",
        "--report-seconds",
        "0.2",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert 1 <= done.stdout.count("Ann: more") <= 11
    assert re.search(r"^[01] s: 1 members, sent [1-9]", done.stdout, re.MULTILINE), done.stdout


def test_a_quiet_run_shows_its_report_alone(play: Play) -> None:
    done = play("title: Hush\nbots: [{name: Ann, steps: [lobby, say: psst]}]\n", "--quiet")
    assert "psst" not in done.stdout
    assert re.search(r"sent +1 ", done.stdout), done.stdout


def test_markers_make_texts_unique_and_are_seen_by_nobody(play: Play) -> None:
    done = play(
        "title: Marked\nmarkers: true\nrooms: [book]\nbots:\n"
        "  - {name: Ann, room: book, steps: [create, expect: here, say: hi, say: hi, expect: bye]}\n"
        "  - {name: Ben, room: book, steps: [join, say: here, expect: hi, expect: hi, say: bye]}\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Ann: hi\n") == 2
    assert "~" not in done.stdout
    assert re.search(r"received +4 ", done.stdout), done.stdout


def test_who_falls_silent_is_shown(play: Play) -> None:
    done = play(
        "title: Silence\nrooms: [cell]\nbots:\n"
        "  - {name: Ann, room: cell, steps: [create, expect: {text: bye, from: Ben}]}\n"
        "  - {name: Ben, room: cell, steps: [join, say: bye, fall_silent]}\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ben falls silent" in done.stdout


@pytest.mark.slow
def test_what_people_say_who_are_no_bots_is_shown_once(play: Play, common_relays: CommonRelays) -> None:
    with People(common_relays.get().relay) as people:
        host = people.create(b"mixed", b"Liz")
        script = (
            "title: Mixed\nrooms: [mixed]\nbots:\n"
            "  - {name: Ann, room: mixed, steps: [join, expect: {text: here, from: Ben}, say: anybody else,"
            " expect: {text: me, from: Liz}]}\n"
            "  - {name: Ben, room: mixed, steps: [join, repeat: {times: 9, steps: [say: here, wait: 0.1]},"
            " expect: {text: me, from: Liz}]}\n"
        )
        with ThreadPoolExecutor() as pool:
            playing = pool.submit(host.receive_until, lambda data: b"anybody else" in data)
            playing.add_done_callback(lambda _: host.say(b"me"))
            done = play(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Liz: me") == 1
