"""The README in both languages: the same shape and the same code, which runs."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatclient
from chatclient import Connection, RefusedError, Status, join_room
from docs.markdown import code_blocks, headings, prose, read
from e2e.conftest import Relay, running_relay
from relay_server.settings import Settings

ENGLISH, JAPANESE = read("README.md"), read("README.ja.md")
DEADLINE_SECONDS = 20
REPEAT_SECONDS = 1
RETRY_SECONDS = 0.05


def bot_source() -> str:
    (source,) = (content for language, content in code_blocks(ENGLISH) if language == "python")
    return source


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    with running_relay(RELAY_JOIN_RATE="0") as relay:
        yield relay


@pytest.fixture
def bot(relay: Relay, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    path = tmp_path / "bot.py"
    path.write_text(bot_source(), encoding="utf-8")
    with subprocess.Popen([sys.executable, str(path), relay.server]) as process:
        yield process
        process.kill()


async def ask(room: Connection, question: str) -> str:
    """Ask until there is an answer: the first question may come before the bot listens."""
    while True:
        room.say(question)
        try:
            async with asyncio.timeout(REPEAT_SECONDS):
                return (await anext(room.messages())).text
        except TimeoutError:
            continue


async def ask_the_bot(server: str) -> str:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                async with join_room("dice", "Ann", server=server) as room:
                    return await ask(room, "please roll")
            except RefusedError as error:
                if error.status is not Status.NO_SUCH_ROOM:
                    raise
            await asyncio.sleep(RETRY_SECONDS)  # the bot is still on its way


def test_the_two_commands_come_first() -> None:
    for text in (ENGLISH, JAPANESE):
        assert code_blocks(text)[:2] == [("sh", "make demo\n"), ("sh", "make test\n")]


def test_both_languages_have_the_same_sections() -> None:
    assert [level for level, _ in headings(JAPANESE)] == [level for level, _ in headings(ENGLISH)]


def test_both_languages_have_the_same_code() -> None:
    assert code_blocks(JAPANESE) == code_blocks(ENGLISH)


def test_the_table_of_ports_has_all_that_a_relay_alone_serves() -> None:
    ports = {field.default for name, field in Settings.model_fields.items() if name.endswith("_port")}
    for text in (ENGLISH, JAPANESE):
        rows = re.findall(r"^\| (\d+) \| (?:TCP|UDP)", text, re.MULTILINE)
        assert set(map(int, rows)) == ports - {Settings.model_fields["link_port"].default}


def test_the_bot_has_ten_lines() -> None:
    assert len([line for line in bot_source().splitlines() if line]) == 10


@pytest.mark.usefixtures("bot")
def test_the_bot_answers(relay: Relay) -> None:
    assert re.fullmatch("Ann rolls a [1-6]", asyncio.run(ask_the_bot(relay.server)))


@pytest.mark.parametrize("text", [ENGLISH, JAPANESE], ids=["en", "ja"])
def test_documented_names_exist_in_chatclient(text: str) -> None:
    before, _, after = text.partition("```python")
    section = before[before.rindex("\n## ") :] + after.partition("\n## ")[0]
    named = set(re.findall(r"`([A-Z][a-z]\w+|join_\w+|create_\w+)`", prose(section)))
    assert named
    assert named <= set(chatclient.__all__)
