"""Scenarios are read as they are meant, and each mistake is named with its line."""

import re
from pathlib import Path

import pytest

from bot_client.scenario import Bot, Scenario, load_scenario, parse_scenario, shipped_scenarios
from bot_client.settings import Settings
from bot_client.source import ScenarioError
from bot_client.steps import STEPS, Chatter, Expect, Join, Repeat, Say, Wait

HEAD = """\
title: Test
rooms: [attic]
bots:
  - name: Ann
    room: attic
    steps:
"""


def parse(text: str, **settings: object) -> Scenario:
    return parse_scenario(text, "test.yaml", Settings.load(settings))


def steps(*lines: str) -> str:
    return HEAD + "".join(f"      - {line}\n" for line in lines)


def test_every_form_of_a_step_is_read() -> None:
    scenario = parse(
        steps(
            "join",
            "say: Hello",
            "say: {text: こんにちは}",
            "wait: 1.5",
            "wait: [1, 2]",
            "expect: Hi",
            "expect: {regex: '^H.', from: Bob, within_seconds: 3}",
            "repeat: {times: 2, steps: [say: again]}",
            "chatter: [one, two]",
            "fall_silent",
            "leave",
            "create: {refused: room_exists}",
        )
    )
    read = scenario.bots[0].steps
    assert isinstance(read[0], Join)
    assert [step.text for step in read if isinstance(step, Say)] == ["Hello", "こんにちは"]
    assert [step.bounds for step in read if isinstance(step, Wait)] == [(1.5, 1.5), (1, 2)]
    assert isinstance(read[6], Expect)
    assert (read[6].regex, read[6].sender, read[6].within_seconds) == ("^H.", "Bob", 3)
    assert isinstance(read[7], Repeat)
    assert read[7].times == 2
    assert isinstance(read[8], Chatter)
    assert read[8].lines == ["one", "two"]


def test_expectations_match_by_text_or_pattern_and_by_sender() -> None:
    by_text = Expect.model_validate({"expect": "tea"})
    assert by_text.matches("Bob", "more tea?")
    assert not by_text.matches("Bob", "more coffee?")
    by_both = Expect.model_validate({"expect": {"regex": "^te[ao]", "from": "Bob"}})
    assert by_both.matches("Bob", "tea")
    assert not by_both.matches("Ann", "tea")
    assert not by_both.matches("Bob", "more tea")


def test_variables_are_filled_in_from_the_settings() -> None:
    text = steps("create", "chatter: {lines: [hi], rate: $BOT_RATE}").replace(
        "rooms: [attic]", "copies: $BOT_ROOMS\nrooms: ['a{copy}']"
    )
    scenario = parse(text.replace("room: attic", "room: 'a{copy}'").replace("Ann", "A{copy}"), rooms=7, rate=2.5)
    chatter = scenario.bots[0].steps[1]
    assert isinstance(chatter, Chatter)
    assert (scenario.copies, chatter.rate) == (7, 2.5)


@pytest.mark.parametrize("name", sorted(shipped_scenarios()))
def test_shipped_scenarios_can_be_played(name: str) -> None:
    assert load_scenario(name, Settings.load({})).bots


def test_five_scenarios_are_shipped() -> None:
    assert list(shipped_scenarios()) == ["chatter", "cluster", "demo", "load", "probe"]


MISTAKES = {
    "empty": ("", 1, "the file is empty"),
    "no mapping": ("[1]", 1, "a scenario is a mapping"),
    "no YAML": ("title: Test\nbots: [", 2, "it isn't YAML"),
    "control character": ("title: \x07", 1, "it isn't YAML"),
    "python object": ("title: !!python/object:os.system x", 1, "it isn't YAML"),
    "alias": ("title: &a Test\nrooms: [*a]", 2, "aliases (*name) aren't supported"),
    "nesting": ("title: " + "[" * 2000, 1, "nested over 50 levels"),
    "key twice": (HEAD + "      - create\n    name: Bob\n", 8, '"name" stands here twice, first in line 4'),
    "key no word": ("title: Test\n? [a]\n: b\n", 2, "a key has to be one word"),
    "bad date": ("title: 2024-02-31", 1, "2024-02-31 can't be read"),
    "wrong tag": ("title: !!bool maybe", 1, "maybe can't be read"),
    "tag without value": ("title: !!int ''", 1, " can't be read"),
    "tag of a date": ("title: Test\nseconds: !!timestamp soon", 2, "soon can't be read"),
    "line break in a key": ('title: Test\n"sec\\nonds": 5', 2, 'the key "sec⏎onds" is unknown here'),
    "no title": ("rooms: []\nbots:\n  - name: a\n    steps: [lobby]", 1, '"title" is missing'),
    "unknown key": (
        steps("create") + "tittle: x\n",
        8,
        'the key "tittle" is unknown here: did you mean title? Use title, seconds',
    ),
    "unknown bot key": (
        HEAD + "      - create\n    nmae: x\n",
        8,
        'the key "nmae" is unknown here: did you mean name? Use name',
    ),
    "unknown step": (steps("create", "sing: la"), 8, 'the step "sing" is unknown: use create, join'),
    "step with two keys": (steps("create", "{say: a, wait: 1}"), 8, "a step is one word"),
    "unknown step key": (
        steps("join", "expect: {txt: x}"),
        8,
        'the key "txt" is unknown here: did you mean text? Use text, regex, from',
    ),
    "text not text": (steps("create", "say: 5"), 8, '"text" has to be text (quote it), not 5'),
    "yes is true": (steps("create", "say: yes"), 8, "not True"),
    "number not number": (steps("wait: soon"), 7, "\"seconds\" has to be a number, not 'soon'"),
    "negative wait": (steps("create", "wait: -1"), 8, '"seconds" has to be 0 or more, not -1'),
    "negative in span": (steps("create", "wait: [1, -2]"), 8, "has to be 0 or more, not -2"),
    "not finite": (steps("wait: .inf"), 7, '"seconds" has to be'),
    "negative start": (HEAD.replace("    room", "    start_seconds: -1\n    room") + "      - create", 5, "0 or more"),
    "count zero": (HEAD.replace("    room", "    count: 0\n    room") + "      - create", 5, "1 or more"),
    "count half": (HEAD.replace("    room", "    count: 1.5\n    room") + "      - create", 5, "a whole number"),
    "count without n": (HEAD.replace("    room", "    count: 2\n    room") + "      - create", 4, "put {n} in it"),
    "copies without copy": ("copies: 2\n" + steps("create"), 3, "put {copy} in its name"),
    "unknown placeholder": (steps("create").replace("Ann", "'A{x}'"), 4, "{x} can't be filled in: use {id}"),
    "bad name": (steps("create").replace("Ann", "'A: b'"), 4, "has a colon"),
    "bad room": (steps("create").replace("[attic]", "['']"), 2, "The room name is empty"),
    "room twice": (steps("create").replace("[attic]", "[attic, attic]"), 2, "stands here twice"),
    "name twice": (steps("create") + "  - name: Ann\n    steps: [lobby]\n", 8, 'the name "Ann" stands here twice'),
    "unknown room": (steps("create").replace("room: attic", "room: atic"), 5, 'the room "atic" is unknown: use attic'),
    "no room": (steps("create").replace("    room: attic\n", ""), 6, '"create" needs the bot\'s "room"'),
    "no steps": (HEAD.replace("    steps:\n", "    steps: []\n"), 6, "needs at least 1"),
    "no bots": ("title: Test\nbots: []\n", 2, "needs at least 1"),
    "say outside": (steps("wait: 1", "say: hi"), 8, "in no room or lobby: enter one first"),
    "say after leave": (steps("create", "leave", "say: hi"), 9, "in no room or lobby"),
    "say in silence": (steps("create", "fall_silent", "say: hi"), 9, "fallen silent"),
    "say in second round": (steps("join", "repeat: {times: 2, steps: [say: a, leave]}"), 8, "in no room or lobby"),
    "restless repeat": (steps("create", "repeat: {steps: [say: hi]}"), 8, "never rests"),
    "unknown refusal": (steps("join: {refused: perhaps}"), 7, '"perhaps" is no reason of a refusal: use room_exists'),
    "wrong regex": (steps("create", "expect: {regex: '['}"), 8, "the regular expression is wrong"),
    "empty expect": (steps("create", "expect: {from: Bob}"), 8, 'needs either "text" or "regex"'),
    "value for a lone word": (steps("create", "leave: now"), 8, '"leave" stands alone'),
    "chatter without lines": (steps("create", "chatter"), 8, '"chatter" needs lines'),
    "chatter rate": (steps("create", "chatter: {lines: [a], rate: 0}"), 8, '"rate" has to be more than 0'),
    "line break": (steps("create", 'say: "a\\nb"'), 8, "no line breaks"),
    "blank": (steps("create", "say: ' '"), 8, "at least one visible character"),
    "too long": (steps("create", f"say: {'a' * 2001}"), 8, "at most 2000 bytes"),
    "password not text": (
        HEAD.replace("    room", "    password: 1234\n    room") + "      - create",
        5,
        'line 5: "password" has to be text (quote it).',
    ),
    "no room key": (
        HEAD.replace("    room", "    room_key: secret\n    room") + "      - create",
        5,
        "line 5: This is no room's key: a key has 22 letters, digits, - or _. Copy the whole invitation.",
    ),
    "password too long": (
        HEAD.replace("    room", f"    password: {'x' * 1025}\n    room") + "      - create",
        5,
        "line 5: The password has 1025 bytes: use at most 1024.",
    ),
    "unsayable line": (
        'title: Test\nlines: [fine, "a\\nb"]\nbots: [{name: Ann, steps: [lobby, chatter]}]',
        2,
        "a line to say has no line breaks or control characters",
    ),
    "unknown variable": (steps("wait: $BOT_FOO"), 7, "$BOT_FOO isn't known here: use one of $BOT_ROOMS"),
}


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named_with_their_line_in_a_sentence_each(mistake: str) -> None:
    text, line, message = MISTAKES[mistake]
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    sentences = str(caught.value).splitlines()
    assert any(each.startswith(f"test.yaml, line {line}: ") and message in each for each in sentences)
    assert all(each.startswith("test.yaml, line ") and each.endswith(".") for each in sentences)


def test_all_mistakes_are_named_at_once_and_what_was_meant() -> None:
    text = steps("sya: hi", "wait: -1", 'say: {txt: "hi", wiat: 1}', "create: {refused: because}")
    text = text.replace("title: Test", "tilte: Test\ncopies: 0")
    text += "  - name: Ben\n    steps:\n      - leave\n  - name: Eve\n    steps: [wait: 1]\n    rom: attic\n"
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    lines = str(caught.value).splitlines()
    expected = {
        1: 'the key "tilte" is unknown here: did you mean title?',
        2: '"copies" has to be 1 or more',
        8: 'the step "sya" is unknown: did you mean say?',
        9: '"seconds" has to be 0 or more',
        10: 'the key "txt" is unknown here: did you mean text?',
        11: '"because" is no reason of a refusal',
        14: '"leave" stands where the bot is in no room or lobby',
        17: 'the key "rom" is unknown here: did you mean room?',
    }
    for number, words in expected.items():
        assert any(line.startswith(f"test.yaml, line {number}: ") and words in line for line in lines), (number, lines)


def test_all_mistakes_about_rooms_and_names_are_named_at_once() -> None:
    text = HEAD.replace("[attic]", "[attic, attic]") + "      - create\n  - name: Ann\n    steps:\n      - wait: 1\n"
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        'the room "attic" stands here twice.',
        'the name "Ann" stands here twice.',
    ]


def test_a_byte_order_mark_is_no_part_of_a_scenario(tmp_path: Path) -> None:
    file = tmp_path / "marked.yaml"
    file.write_text(steps("create"), encoding="utf-8-sig")
    assert load_scenario(str(file), Settings.load({})).title == "Test"


def test_a_file_that_is_too_large_or_unreadable_is_named(tmp_path: Path) -> None:
    settings = Settings.load({})
    with pytest.raises(ScenarioError, match="line 1: the file is over 1048576 bytes"):
        parse("#" * 2_000_000)
    with pytest.raises(ScenarioError, match=r"nowhere.yaml can't be read .* use chatter, cluster, demo, load or probe"):
        load_scenario(str(tmp_path / "nowhere.yaml"), settings)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("title: café".encode("latin-1"))
    with pytest.raises(ScenarioError, match="isn't UTF-8 text"):
        load_scenario(str(latin), settings)


def test_the_document_has_every_step_and_its_example_can_be_played() -> None:
    document = (Path(__file__).parents[3] / "docs" / "bots.md").read_text("utf-8")
    assert [name for name in STEPS if f"| `{name}` |" not in document] == []
    assert [name for name in shipped_scenarios() if f"| `{name}` |" not in document] == []
    keys = {field.alias or name for model in STEPS.values() for name, field in model.model_fields.items()}
    assert [key for key in keys if f"`{key}`" not in document] == []
    for model in (Scenario, Bot):
        assert [key for key in model.model_fields if f"| `{key}` |" not in document] == []
    (example,) = re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)
    assert parse(example).title == "Two friends"
