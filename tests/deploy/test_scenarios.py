"""The scenarios of docker-compose.yml: playable, in one room, and no two bots talk to one another for ever."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import bot_client.__main__
from bot_client.scenario import Scenario, load_scenario
from bot_client.settings import Settings
from bot_client.steps import AnyStep, Chatter, Expect, FallSilent, Join, Repeat, Say, Wait
from deploy.compose import configured
from docs.markdown import ROOT

FOLDER = ROOT / "deploy" / "compose" / "scenarios"
NAMES = sorted(path.stem for path in FOLDER.iterdir())


def scenario(name: str) -> Scenario:
    return load_scenario(str(FOLDER / f"{name}.yaml"), Settings.load({}))


def flat(steps: Sequence[AnyStep]) -> Iterator[AnyStep]:
    for step in steps:
        yield step
        if isinstance(step, Repeat):
            yield from flat(step.steps)


def steps_of(name: str) -> list[AnyStep]:
    return [step for bot in scenario(name).bots for step in flat(bot.steps)]


def said(name: str) -> list[str]:
    return [
        line
        for step in steps_of(name)
        if isinstance(step, Chatter | Say)
        for line in (step.lines or [] if isinstance(step, Chatter) else [step.text])
    ]


def listeners() -> dict[str, Expect]:
    return {
        bot.name.partition("-")[0]: step
        for bot in scenario("host").bots
        for step in flat(bot.steps)
        if isinstance(step, Expect)
    }


def who_answers(sender: str, text: str) -> set[str]:
    return {name for name, step in listeners().items() if step.matches(sender, text)}


@pytest.fixture(scope="module")
def services() -> Any:
    return configured()["services"]


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_played(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bot_client.__main__.main(["check", str(FOLDER / f"{name}.yaml")]) == 0, capsys.readouterr().err


def test_each_is_played_by_the_service_of_its_name(services: dict[str, Any]) -> None:
    played = {
        name: Path(service["environment"]["BOT_SCENARIO"]).stem
        for name, service in services.items()
        if "BOT_SCENARIO" in service.get("environment", {})
    }
    assert played == {name: name for name in NAMES}


@pytest.mark.parametrize("name", ["host", "bot", "silent"])
def test_bots_meet_in_the_documented_room(name: str) -> None:
    assert scenario(name).rooms == ["demo"]


@pytest.mark.parametrize("name", NAMES)
def test_every_container_brings_names_of_its_own(name: str) -> None:
    for bot in scenario(name).bots:
        assert "{id}" in bot.name or "{id}" in (bot.room or "")


@pytest.mark.parametrize("name", ["host", "bot", "silent"])
def test_bots_wait_without_limit_for_the_room_and_for_people(name: str) -> None:
    for step in steps_of(name):
        if isinstance(step, Join | Expect):
            assert step.within_seconds >= 1e9


def test_a_silent_bot_stays_silent_until_it_is_evicted(services: dict[str, Any]) -> None:
    steps = [step for step in steps_of("silent") if isinstance(step, FallSilent | Wait)]
    wait = steps[1 + next(index for index, step in enumerate(steps) if isinstance(step, FallSilent))]
    assert isinstance(wait, Wait)
    default = float(services["relay"]["environment"]["RELAY_SILENCE_TIMEOUT_SECONDS"])
    assert 30 <= default <= 60
    assert wait.bounds[0] > max(default, 300)


@pytest.mark.parametrize("text", ["hello", "Hi there", "hey, bots!", "good morning everybody", "こんにちは"])
def test_a_greeting_is_returned(text: str) -> None:
    assert who_answers("me", text) == {"Milo"}


@pytest.mark.parametrize("text", ["is there tea?", "お元気ですか？"])
def test_a_question_is_answered(text: str) -> None:
    assert who_answers("me", text) == {"Aiko"}


def test_people_are_welcomed_and_bots_are_not() -> None:
    assert who_answers("server", "me joined") == {"Hana"}
    assert who_answers("server", "Ann Lee joined") == {"Hana"}
    for name in ("bot-4k2j", "sleepy-9qfq", "Milo-0a1b"):
        assert not who_answers("server", f"{name} joined")


def test_an_evicted_bot_stops_waiting_and_joins_again() -> None:
    assert who_answers("server", "disconnected: host_left") == {"Hana", "Milo", "Aiko"}


def test_an_answer_is_never_answered() -> None:
    for line in said("host"):
        assert not who_answers("Milo-4k2j", line), line


def test_now_and_then_a_bot_asks_something() -> None:
    answered = [line for line in said("bot") if who_answers("bot-4k2j", line)]
    assert 0 < len(answered) < len(said("bot")) / 3
