"""The commands in words, each of the relay's as its table has it: for the help, menus and questions."""

from collections.abc import Iterator, Sequence
from typing import Final

from chatproto import COMMANDS, Command, sanitize
from chatproto.commands import Argument, CommandSpec
from messenger.core.conversation import Conversation
from messenger.core.roster import Person
from messenger.presentation.i18n import N_, _

_ASKING: Final = {Command.WHO: N_("list the members"), Command.TOPIC: N_("show the topic")}
"""What everybody may ask."""
_HELP: Final = {
    Command.TOPIC: N_("set the topic; /topic - removes it"),
    Command.KICK: N_("remove a member from the room"),
    Command.BAN: N_("remove a member and ban the name and its address"),
    Command.UNBAN: N_("lift a ban; /unban alone lists the bans"),
    Command.MUTE: N_("stop relaying what a member says"),
    Command.UNMUTE: N_("relay it again"),
    Command.HOST: N_("make another member the host"),
    Command.PASSWORD: N_("set a new password, typed unseen; /password - removes it"),
}
_LABELS: Final = {
    Command.KICK: N_("&Kick..."),
    Command.BAN: N_("&Ban..."),
    Command.MUTE: N_("M&ute"),
    Command.UNMUTE: N_("&Unmute"),
    Command.HOST: N_("Make &host..."),
}
_QUESTIONS: Final = {
    Command.KICK: N_("Remove {name} from the room?"),
    Command.BAN: N_("Remove {name} from the room, and ban the name and its address?"),
    Command.HOST: N_("Make {name} the host? You will no longer be the host."),
}


def command_help() -> str:
    """List the commands, one in a line."""
    specs = COMMANDS.values()
    everybody = [
        ("/help", _("show this help")),
        ("/leave", _("leave the room (also /quit, /exit, Ctrl-D)")),
        ("/ignore NAME", _("hide what somebody says; /ignore alone lists whom")),
        ("/unignore NAME", _("show it again")),
        ("/bookmark NAME", _("bookmark this room; /bookmark - removes it")),
        ("/export FILE", _("save what was said in this room as text")),
        *((f"/{spec.word}", _(_ASKING[spec.word])) for spec in specs if not spec.needs_host("")),
        ("//word", _('send "/word" as a message')),
    ]
    host = [(f"/{spec.word} {_argument(spec)}", _(_HELP[spec.word])) for spec in specs if spec.host_only]
    lines = [f"{command:<15} {text}" for command, text in (*everybody, *host)]
    lines.insert(len(everybody), _("For the host only:"))
    return "\n".join(lines)


def about(conversation: Conversation, person: Person) -> Iterator[tuple[Command, str]]:
    """Yield what may be done about a member, and the labels with their letters."""
    useless = Command.MUTE if person.muted else Command.UNMUTE
    for command, label in _LABELS.items():
        if command is not useless and conversation.may(command, person.name) and person.name != conversation.entry.name:
            yield command, _(label)


def ignore_label(person: Person, own_name: str) -> str:
    """Name what may be done about what somebody says, with its letter; empty about oneself."""
    if person.name == own_name:
        return ""
    return _("Stop i&gnoring") if person.ignored else _("I&gnore")


def question_before(command: Command, person: Person) -> str:
    """Ask what one should be asked before a command is given; empty if nothing."""
    return _(_QUESTIONS[command]).format(name=sanitize(person.name)) if command in _QUESTIONS else ""


def question_for_password(conversation: Conversation) -> str:
    """Ask for a room's new password, and say who can read it on its way."""
    if conversation.contact.encrypted:
        return _("New password for the room:")
    return _("New password for the room (sent unencrypted):")


def question_before_leaving(rooms: Sequence[str]) -> str:
    """Ask a host whether rooms, harmless to show, are to close for those who are there."""
    if len(rooms) == 1:
        return _("You are the host: if you leave, the room closes for everybody. Leave?")
    text = _("You are the host of {rooms}: if you leave, these rooms close for everybody. Leave?")
    return text.format(rooms=", ".join(rooms))


def _argument(spec: CommandSpec) -> str:
    return "" if spec.argument is Argument.PASSWORD else spec.argument  # it is typed unseen, not here
