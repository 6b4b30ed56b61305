"""What a person's chats have to say: each fact of the core in words."""

from collections.abc import Sequence
from typing import Final

from chatbrain import Ended, Reconnecting
from chatproto import sanitize
from chatproto.commands import REMOVE
from messenger.core.commands import Unknown
from messenger.core.facts import Fact, Unsent
from messenger.core.ignoring import IgnoredNames, Ignoring, Outcome
from messenger.core.invite import Invite, PageInvite
from messenger.core.trusting import Changed, Stranger
from messenger.presentation.i18n import N_, _
from messenger.presentation.wording.ends import ending, interruption
from messenger.presentation.wording.events import describe
from messenger.presentation.wording.faults import fault
from messenger.presentation.wording.flaws import flaw

_UNSENT: Final = {
    Unsent.NO_COMMANDS: N_("This relay has no commands: nothing was sent."),
    Unsent.NOT_HOST: N_("Only the host sets or removes the room's password: nothing was sent."),
    Unsent.NOT_IN: N_("You are not in the room right now: try again when you are back."),
    Unsent.DASH_PASSWORD: N_("{dash} alone can't be a password: the password is unchanged."),
    Unsent.EMPTY_PASSWORD: N_("The password is empty: it is unchanged."),
    Unsent.NOT_TRUSTED: N_("You didn't trust the relay: nothing was sent to it."),
}

_IGNORING: Final = {
    Outcome.IGNORED: N_("You no longer see what {name} says on this relay; /unignore {name} takes it back."),
    Outcome.SEEN: N_("You see again what {name} says."),
    Outcome.ONESELF: N_("You can't ignore yourself."),
    Outcome.NEVER: N_("You don't ignore {name}."),
}


def word(fact: Fact) -> str:
    """Say what the core has to tell; empty if a person needn't know."""
    match fact:
        case Ended():
            return ending(fact).what
        case Reconnecting():
            return interruption(fact.cause).line
        case Unsent():
            return _(_UNSENT[fact]).format(dash=REMOVE)
        case Unknown(word):
            return _("Unknown command {word}. Type /help; start with // to send a slash.").format(word=sanitize(word))
        case Changed():
            return _changed(fact)
        case Ignoring() | IgnoredNames():
            return _ignoring(fact)
        case Exception():
            return flaw(fact)
        case _:
            return describe(fact) or ""


def invitation(invite: Invite, hosts: Sequence[str]) -> str:
    """Say that an invitation is copied, and where it leads others if not there; its key isn't shown."""
    link = str(invite)
    if invite.is_for_others:
        copied = _("Invitation copied: {link}").format(link=link)
    else:
        links = "  ".join(str(invite.at(host)) for host in hosts) or _("(no network)")
        copied = _(
            "Invitation copied, but {link} is this machine's own address: it doesn't work on other machines. "
            "If the relay listens there, others can use: {links}"
        ).format(link=link, links=links)
    if not invite.key:
        return copied
    key = _("The copied link ends with the room's key, which isn't shown here: others need it too.")
    return f"{copied} {key}"  # a space in any language: what is copied may end with a link


def page_invitation(invite: PageInvite) -> str:
    """Say that an invitation for browsers is copied; its key isn't shown."""
    copied = _("Link for browsers copied: {link}").format(link=invite)
    if not invite.key:
        return copied
    key = _(
        "The copied link has the room's key, which isn't shown here. Whoever serves the page could take the key: give "
        "members who have this program the other invitation."
    )
    return f"{copied} {key}"


def _ignoring(fact: Ignoring | IgnoredNames) -> str:
    if isinstance(fact, Ignoring):
        return _(_IGNORING[fact.outcome]).format(name=sanitize(fact.name))
    names = ", ".join(map(sanitize, fact.names))
    return _("You ignore on this relay: {names}.").format(names=names) if names else _("You ignore nobody here.")


def stranger(server: Stranger) -> str:
    """Say what a person should compare before a relay is trusted."""
    return _(
        "The certificate of the relay at {server} isn't trusted yet ({why}). Compare its fingerprint with the one "
        "its operator gives you."
    ).format(server=sanitize(server.server), why=fault(server.doubt))


def _changed(server: Changed) -> str:
    return _(
        "STOP: the certificate of the relay at {server} has changed. Either the relay has a new one, or somebody is "
        "impersonating it. Nothing was sent. Ask its operator over another channel. If the new certificate is theirs, "
        "delete the line of {server} from {file} and try again. Trusted: {trusted}. Now: {shown}."
    ).format(server=sanitize(server.server), file=server.file, trusted=server.trusted, shown=server.shown)
