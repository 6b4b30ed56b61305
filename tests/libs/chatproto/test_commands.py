"""Which messages are commands (MOD-01)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto import COMMANDS, Command, parse_command


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize(
    ("message", "command", "argument"),
    [
        ("/who", Command.WHO, ""),
        ("/WHO", Command.WHO, ""),
        ("/kick ann", Command.KICK, "ann"),
        ("/kick ann of the sea", Command.KICK, "ann of the sea"),
        ("/ban\tann\r\n", Command.BAN, "ann"),
        ("/topic\u3000tea", Command.TOPIC, "tea"),
        ("/topic a\nb\n", Command.TOPIC, "a\nb"),
        ("/Password  two spaces ", Command.PASSWORD, " two spaces "),
        ("/password\n", Command.PASSWORD, ""),
    ],
)
def test_a_command_is_a_word_and_what_it_is_about(message: str, command: Command, argument: str) -> None:
    assert parse_command(message) == (command, argument)


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize(
    "message",
    [
        "",
        "/",
        "who",
        " /who",
        "//who",
        "/whoever",
        "/who?",
        "/kick-ann",
        "/\uff4bick ann",
        "/leave",
        "/KIC\u212a x",
        "/pa\u017f\u017fword x",
    ],
)
def test_anything_else_is_text(message: str) -> None:
    assert parse_command(message) is None


@given(st.sampled_from(Command), st.text())
def test_what_a_command_is_about_survives(command: Command, argument: str) -> None:
    assert parse_command(f"/{command} {argument}") == (command, argument.rstrip("\r\n"))


@pytest.mark.requirement("MOD-01")
def test_every_command_has_one_specification() -> None:
    assert list(COMMANDS) == list(Command)
    assert all(spec.word is word for word, spec in COMMANDS.items())


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize("argument", ["", " ", "tea"])
@pytest.mark.parametrize("command", Command)
def test_everybody_may_ask_who_is_there_and_what_the_topic_is(command: Command, argument: str) -> None:
    everybody = command is Command.WHO or (command is Command.TOPIC and not argument.strip())
    assert COMMANDS[command].needs_host(argument) is not everybody
