"""Commands in words, by the table of the relay's commands."""

import pytest

from chatproto import COMMANDS, Command
from chatproto.commands import Argument
from messenger.core.commands import OWN
from messenger.core.roster import Person
from messenger.presentation.commands import about, command_help, question_before
from services.messenger.core.fake_relay import Case, entry

BOB = Person("bob")


def test_the_help_lists_every_command_as_the_table_has_it() -> None:
    everybody, host = command_help().split("For the host only:\n")
    assert all(line.startswith("/") for line in (everybody + host).splitlines())
    for word in OWN:
        assert f"{word} " in everybody
    for spec in COMMANDS.values():
        shown = "" if spec.argument is Argument.PASSWORD else spec.argument
        assert (f"/{spec.word} " in everybody) is not spec.needs_host("")
        assert (f"/{spec.word} {shown}" in host) is spec.host_only


def test_a_host_may_do_to_a_member_what_the_table_allows() -> None:
    case = Case()
    room = case.messenger.enter(entry(create=True))
    offered = {command for person in (BOB, Person("carol", muted=True)) for command, _ in about(room, person)}
    about_members = {word for word, spec in COMMANDS.items() if spec.argument is Argument.NAME}
    assert offered == about_members - {Command.UNBAN}, "who is banned isn't here"
    assert not list(about(room, Person("ann"))), "oneself"


@pytest.mark.parametrize("moderation", [True, False])
def test_who_is_no_host_may_do_nothing_to_others(moderation: bool) -> None:
    case = Case()
    case.relay.moderation = moderation
    room = case.messenger.enter(entry(create=not moderation))
    assert not list(about(room, BOB))


def test_one_is_asked_before_what_can_not_be_taken_back() -> None:
    asked = {command for command in Command if question_before(command, BOB)}
    assert asked == {Command.KICK, Command.BAN, Command.HOST}
    assert "bob" in question_before(Command.KICK, BOB)
