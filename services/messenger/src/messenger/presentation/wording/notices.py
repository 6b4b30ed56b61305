"""What a relay tells one member alone: its answers to commands, and what became of messages."""

from typing import Final, NamedTuple

from chatproto import (
    Advice,
    BanList,
    Command,
    CommandDone,
    CommandFailed,
    Failure,
    ListedMember,
    MemberList,
    MessageDropped,
    Muted,
    NotRelayed,
    PasswordState,
    PersonalNotice,
    Unmuted,
    sanitize,
)
from messenger.presentation.i18n import N_, _
from messenger.presentation.wording.refusals import exactly

_FAILED: Final = {
    Failure.NOT_HOST: N_("Only the host may do that; /who and /topic are for everybody."),
    Failure.ASKED_TOO_SOON: N_("You asked a moment ago: try again in a few seconds."),
    Failure.NO_NAME: N_("/{command} whom? Write the name after it."),
    Failure.BAD_NAME: N_("The name can't be used."),
    Failure.NOBODY: N_("Nobody here is called {name}."),
    Failure.AMBIGUOUS: N_("Several names look like {name}: write it as the member does."),
    Failure.YOURSELF: N_("You can't /{command} yourself."),
    Failure.BAN_OF_HOST: N_("The host can't be banned."),
    Failure.BAN_OF_HOST_ADDRESS: N_("The host has this address, so it can't be banned."),
    Failure.ALREADY_BANNED: N_("{name} is banned already."),
    Failure.NOT_BANNED: N_("{name} isn't banned."),
    Failure.TOO_MANY_BANS: N_("The room has {count} bans, as many as it may: lift one first."),
    Failure.MUTE_OF_HOST: N_("The host can't be muted."),
    Failure.ALREADY_MUTED: N_("{name} is muted already."),
    Failure.NOT_MUTED: N_("{name} isn't muted."),
    Failure.TOO_MANY_MUTES: N_("The room has {count} mutes, as many as it may: lift one first."),
    Failure.NOT_HEARD_YET: N_("{name} has not been heard yet: try again in a moment."),
    Failure.TOPIC_TOO_LONG: N_("The topic is too long by {bytes} bytes."),
    Failure.BAD_PASSWORD: N_("The password can't be used."),
    Failure.PASSWORD_IN_WORK: N_("The password before is still being worked on: try again in a moment."),
    Failure.NOT_HOST_ANY_MORE: N_("The password was not changed: you are not the host any more."),
    Failure.BUSY: N_("The relay is busy: try again in a moment."),
}
_REFUSED: Final = {Failure.BAD_NAME, Failure.BAD_PASSWORD, Failure.BUSY}
"""Whose message is what a request would be refused with, and so says more than the code."""

_DONE: Final = {
    Command.KICK: N_("{name} was kicked; /ban keeps somebody out."),
    Command.MUTE: N_("{name} is muted; /unmute takes it back."),
    Command.UNMUTE: N_("{name} may speak again."),
}
_SLOW_DOWN: Final = N_("slow down: some of your messages were not relayed")
_DROPPED: Final = {
    NotRelayed.TOO_LONG: N_("message too long by {bytes} bytes: it was not relayed"),
    NotRelayed.MESSAGE_RATE: _SLOW_DOWN,
    NotRelayed.BYTE_RATE: _SLOW_DOWN,
    NotRelayed.COPY_RATE: _SLOW_DOWN,
    NotRelayed.MUTED: N_("You are muted: what you say is not relayed."),
}
_FIXED: Final[dict[PersonalNotice, str]] = {
    Muted(): N_("The host muted you: what you say is not relayed."),
    Unmuted(): N_("You may speak again."),
    PasswordState(set=True): N_("The room has a password: /password NEW sets one, /password - removes it."),
    PasswordState(set=False): N_("The room has no password: /password NEW sets one, /password - removes it."),
    PasswordState(set=True, changed=True): N_(
        "The room has a new password. It came over UDP, in the clear: whoever listens on the way knows it."
    ),
    PasswordState(set=False, changed=True): N_("The room has no password any more."),
}


class _Forms(NamedTuple):
    """How a part of a list reads."""

    last: str
    followed: str
    """Another part comes."""
    cut: str
    """More names there are than the list tells."""


_MEMBERS: Final = _Forms(
    N_("{count} here: {names}."), N_("{count} here: {names},"), N_("{count} here: {names}, and {more} more.")
)
_BANS: Final = _Forms(N_("Banned: {names}."), N_("Banned: {names},"), N_("Banned: {names}, and {more} more."))
_FURTHER: Final = _Forms(N_("... {names}."), N_("... {names},"), N_("... {names}, and {more} more."))


def told(notice: PersonalNotice) -> str:
    """Say what a relay tells one member; a relay that knows no facts is shown as it speaks."""
    match notice:
        case MemberList() | BanList():
            line = _list(notice)
        case CommandDone():
            line = _done(notice)
        case CommandFailed():
            line = _failed(notice)
        case MessageDropped(reason, over_bytes):
            line = _(_DROPPED[reason]).format(bytes=over_bytes)
        case Muted() | Unmuted() | PasswordState():
            line = _(_FIXED[notice])
        case Advice(text):
            line = text
    return sanitize(line)


def _failed(notice: CommandFailed) -> str:
    form, said = _FAILED[notice.code], notice.message
    if notice.code in _REFUSED and said != form:
        return exactly(said) or _('{what} The relay says: "{text}"').format(what=_(form), text=said)
    return _(form).format(command=notice.command or "", name=notice.name, count=notice.limit, bytes=notice.over_bytes)


def _done(notice: CommandDone) -> str:
    command, name = notice.command, notice.name
    if command is Command.BAN:
        by_both, by_name = _("{name} is banned by name and address."), _("{name} is banned by name alone.")
        return (by_both if notice.by_address else by_name).format(name=name)
    if command is Command.UNBAN:
        all_of_them, some = _("{names} may come in again."), _("{names} and {more} more may come in again.")
        names = ", ".join((name, *notice.also))
        return (some if notice.unlisted else all_of_them).format(names=names, more=notice.unlisted)
    form = _(_DONE[command]) if command in _DONE else _("/{command} {name}: done.")
    return form.format(command=command, name=name)


def _list(notice: MemberList | BanList) -> str:
    if isinstance(notice, MemberList):
        names, count, forms = [_marked(member) for member in notice.members], notice.total, _MEMBERS
    else:
        names, count, forms = list(notice.names), 0, _BANS
    if not names and forms is _BANS:
        return _("Banned: nobody.")
    forms = _FURTHER if notice.part > 1 else forms
    form = forms.cut if notice.unlisted else forms.followed if notice.more else forms.last
    return _(form).format(count=count, names=", ".join(names), more=notice.unlisted)


def _marked(member: ListedMember) -> str:
    return member.name + (_(" (host)") if member.host else _(" (muted)") if member.muted else "")
