"""The command line of the show of a cluster; the show itself is in tests/e2e."""

import socket

import pytest

from bot_client.nodes import FIRST_PORT, LAST_FIRST_PORT
from bot_client.scenario import load_scenario
from bot_client.settings import Settings
from bot_client.steps import Create, Enter, Repeat
from e2e import here
from ports import free_ports


def test_ports_in_use_are_one_sentence_and_wrong_input() -> None:
    first, *_ = free_ports(31)
    with socket.create_server(("127.0.0.1", first + 20)):
        done = here.bot_client("cluster", "--first-port", str(first))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Port {first + 20}/tcp is in use on 127.0.0.1: choose others with --first-port, which is {first}.\n"
    )


@pytest.mark.parametrize("port", ["0", "-1", "many", str(LAST_FIRST_PORT + 1), "²"])
def test_a_port_that_cannot_be_is_one_sentence_and_wrong_input(port: str) -> None:
    done = here.bot_client("cluster", f"--first-port={port}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"use a number from 1 to {LAST_FIRST_PORT}" in done.stderr


def test_the_documented_ports_are_the_default_ones() -> None:
    assert FIRST_PORT == 9010


def test_the_first_creates_the_room_and_all_come_back_by_themselves() -> None:
    scenario = load_scenario("cluster", Settings.load({}))
    first, *others = scenario.bots
    assert len(scenario.rooms) == 1
    assert isinstance(first.steps[0], Create)
    assert len(others) >= 3
    assert scenario.rejoin
    for bot in scenario.bots:
        # Who is cut off has its last step again and again, and that begins with waiting to be back.
        last = bot.steps[-1]
        assert isinstance(last, Repeat)
        assert isinstance(last.steps[0], Enter)
