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
    PasswordState,
    PersonalNotice,
    Unmuted,
    sanitize,
)
from messenger.presentation.i18n import N_, _
from messenger.presentation.wording.refusals import exactly

_REFUSED: Final = {Failure.BAD_NAME, Failure.BAD_PASSWORD, Failure.BUSY}
"""Whose message is what a request would be refused with, and so says more than the code."""

_DONE: Final = {
    Command.KICK: N_("{name} was kicked; /ban keeps somebody out."),
    Command.MUTE: N_("{name} is muted; /unmute takes it back."),
    Command.UNMUTE: N_("{name} may speak again."),
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
        case PasswordState(set=True, changed=True):
            # The relay's own sentence says that it came over UDP, which a stream's member didn't use.
            line = _("The room has a new password. Unless the chat is encrypted, whoever listens on the way knows it.")
        case CommandDone():
            line = _done(notice)
        case CommandFailed():
            line = _failed(notice)
        case MessageDropped(reason, over_bytes):
            line = _(reason.message).format(bytes=over_bytes)
        case Muted() | Unmuted() | PasswordState():
            line = _(str(notice))  # it has nothing to fill in
        case Advice(text):
            line = text
    return sanitize(line)


def _failed(notice: CommandFailed) -> str:
    form, said = notice.code.message, notice.message
    if notice.refusal and (why := exactly(notice.refusal)):
        return why
    if notice.code in _REFUSED and said != form:
        return _('{what} The relay says: "{text}"').format(what=_(form), text=said)
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
    mark = _(" (host)") if member.host else _(" (muted)") if member.muted else ""
    return member.name + mark + (_(" (away)") if member.away else "")
