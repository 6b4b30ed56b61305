"""A scenario becomes one role for each bot, with its names filled in."""

import pytest

from bot_client.casting import cast
from bot_client.scenario import parse_scenario
from bot_client.settings import Settings
from bot_client.source import ScenarioError

SCENARIO = """\
title: Test
copies: 2
rooms: ["r-{id}-{copy}"]
bots:
  - name: "host-{copy}"
    room: "r-{id}-{copy}"
    steps: [create]
  - name: "m{n}-{copy}-{id}"
    count: 2
    room: "r-{id}-{copy}"
    start_seconds: 1
    every_seconds: 0.5
    steps: [join]
  - name: "guest-{copy}"
    steps: [lobby]
"""


def test_counts_and_copies_give_distinct_names() -> None:
    roles = cast(parse_scenario(SCENARIO, "t", Settings.load({})), "k3", "x-")
    assert [(role.name, role.room, role.start_seconds) for role in roles] == [
        ("x-host-1", "r-k3-1", 0),
        ("x-m1-1-k3", "r-k3-1", 1),
        ("x-m2-1-k3", "r-k3-1", 1.5),
        ("x-guest-1", None, 0),
        ("x-host-2", "r-k3-2", 0),
        ("x-m1-2-k3", "r-k3-2", 1),
        ("x-m2-2-k3", "r-k3-2", 1.5),
        ("x-guest-2", None, 0),
    ]
    assert roles[2].fill("I am {n} of {copy} in {id}, {not} more") == "I am 2 of 1 in k3, {not} more"


def test_a_name_that_the_prefix_spoils_is_named() -> None:
    scenario = parse_scenario(SCENARIO.replace("host-", "h" * 240), "t", Settings.load({}))
    with pytest.raises(ScenarioError, match="can't play in 'r-k3-1': The user name has 271 bytes"):
        cast(scenario, "k3", "p" * 30)


def test_a_password_may_be_a_bots_own() -> None:
    text = SCENARIO.replace("steps: [create]", "password: open sesame\n    steps: [create]")
    roles = cast(parse_scenario(text, "t", Settings.load({})), "k3")
    assert [role.password for role in roles if role.copy == 1] == ["open sesame", None, None, None]
    assert "sesame" not in repr(roles)
