"""Scenarios that anybody may write: each thing that is wrong with one is said in a sentence with its line."""

import re
from functools import cache
from typing import Final

from bot_client.scenario import Scenario, parse_scenario, shipped_scenarios
from bot_client.settings import Settings
from bot_client.source import ScenarioError

SEEDS: Final = (
    *(path.read_bytes() for path in shipped_scenarios().values()),
    b"title: x\nrooms: [a]\nbots:\n- name: b\n  room: a\n  steps: [create, say: hi, wait: [1, 2], leave]\n",
    b"title: x\nbots:\n- name: b\n  steps: [lobby, repeat: {times: 2, steps: [say: hi, wait: 1]}, fall_silent]\n",
    b"title: &a x\nbots: *a\n",
    b"title: !!bool maybe\n",
    b"- !!timestamp x\n- !!int ''\n- 2024-02-31\n- !!binary '%'\n",
    b"{a: [" + b"[" * 60,
)
WORDS: Final = (
    *(b"title: ", b"rooms:", b"bots:", b"- name: ", b"steps:", b"wait: ", b"say: ", b"repeat:", b"expect:", b"lobby"),
    *(b"chatter", b"create", b"leave", b"times: ", b"seconds: ", b"lines:", b"$BOT_RATE", b"regex: ", b"copies: "),
    *(b"!!bool ", b"!!int ", b"!!float ", b"!!timestamp ", b"!!binary ", b"!!null ", b"!!set ", b"!!omap "),
    *(b"&a ", b"*a", b"<<: ", b"---\n", b"|\n", b"? ", b"%YAML 1.1\n"),
)
_SENTENCES: Final = re.compile(r"(file, line [1-9][0-9]*: [^\n]+[.?](\n|$))+")


@cache
def settings() -> Settings:
    return Settings.model_construct()


def check(data: bytes) -> None:
    result = outcome(data.decode(errors="replace"))
    if isinstance(result, Scenario):
        assert all(bot.steps for bot in result.bots)
    else:
        assert _SENTENCES.fullmatch(result), result


def outcome(text: str) -> Scenario | str:
    """Return the scenario, or what is wrong with it."""
    try:
        return parse_scenario(text, "file", settings())
    except ScenarioError as error:
        return str(error)
