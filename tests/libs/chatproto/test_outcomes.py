"""What became of a command, in prose."""

import pytest

from chatproto import Command, CommandDone, CommandFailed, Failure


@pytest.mark.parametrize(
    ("failed", "sentence"),
    [
        (CommandFailed(Failure.NOBODY, name="zoe"), "Nobody here is called zoe."),
        (CommandFailed(Failure.NO_NAME, Command.KICK), "/kick whom? Write the name after it."),
        (CommandFailed(Failure.YOURSELF, Command.MUTE), "You can't /mute yourself."),
        (CommandFailed(Failure.TOO_MANY_BANS, limit=100), "The room has 100 bans, as many as it may: lift one first."),
        (CommandFailed(Failure.TOPIC_TOO_LONG, over_bytes=3), "The topic is too long by 3 bytes."),
        (CommandFailed(Failure.ALREADY_MUTED, name="{limit}"), "{limit} is muted already."),
        (CommandFailed(Failure.BUSY, message="Many passwords."), "Many passwords."),
    ],
)
def test_a_failure_says_why_in_a_sentence(failed: CommandFailed, sentence: str) -> None:
    assert str(failed) == failed.message == sentence


@pytest.mark.parametrize("code", Failure)
def test_every_failure_has_a_sentence(code: Failure) -> None:
    sentence = str(CommandFailed(code, Command.BAN, "zoe"))
    assert sentence.endswith(".")
    assert "None" not in sentence


@pytest.mark.parametrize(
    ("done", "sentence"),
    [
        (CommandDone(Command.KICK, "bob"), "bob was kicked; /ban keeps somebody out."),
        (CommandDone(Command.BAN, "bob"), "bob is banned by name alone."),
        (CommandDone(Command.BAN, "bob", by_address=True), "bob is banned by name and address."),
        (CommandDone(Command.UNBAN, "bob"), "bob may come in again."),
        (CommandDone(Command.UNBAN, "Iris", also=("lris",)), "Iris, lris may come in again."),
        (CommandDone(Command.UNBAN, "Iris", also=("lris",), unlisted=5), "Iris, lris and 5 more may come in again."),
        (CommandDone(Command.MUTE, "bob"), "bob is muted; /unmute takes it back."),
        (CommandDone(Command.UNMUTE, "bob"), "bob may speak again."),
        (CommandDone(Command.HOST, "bob"), "/host bob: done."),
    ],
)
def test_what_was_done_is_said_in_a_sentence(done: CommandDone, sentence: str) -> None:
    assert str(done) == sentence
