"""What a relay says by itself to one member, which is English on the wire."""

import re
from typing import Final

from chatproto import sanitize
from chatproto.notices import PASSWORD_REMOVED, PASSWORD_SET
from messenger.i18n import N_, _
from messenger.wording.forms import translated
from messenger.wording.refusals import FORMS as REFUSALS

FORMS: Final = (
    # Those without a name come first, for a name may read like anything.
    N_("Only the host may do that; /who and /topic are for everybody."),
    N_("You asked a moment ago: try again in a few seconds."),
    N_("message too long by {bytes} bytes: it was not relayed"),
    N_("slow down: some of your messages were not relayed"),
    N_("You are muted: what you say is not relayed."),
    N_("The host muted you: what you say is not relayed."),
    N_("You may speak again."),
    N_("The host can't be banned."),
    N_("The host can't be muted."),
    N_("You can't /{command} yourself."),
    N_("/{command} whom? Write the name after it."),
    N_("The topic is too long by {bytes} bytes."),
    N_("The room has a password: /password NEW sets one, /password - removes it."),
    N_("The room has no password: /password NEW sets one, /password - removes it."),
    N_("The password was not changed: you are not the host any more."),
    N_("The password before is still being worked on: try again in a moment."),
    N_("The room has {count} bans, as many as it may: lift one first."),
    N_("The room has {count} mutes, as many as it may: lift one first."),
    N_("Nobody here is called {name}."),
    N_("Several names look like {name}: write it as the member does."),
    N_("{name} was kicked; /ban keeps somebody out."),
    N_("{name} is banned by name and address."),
    N_("{name} is banned by name alone."),
    N_("{name} is banned already."),
    N_("{name} isn't banned."),
    N_("{names} may come in again."),
    N_("{name} is muted; /unmute takes it back."),
    N_("{name} is muted already."),
    N_("{name} isn't muted."),
    N_("{name} may speak again."),
    N_("{name} has not been heard yet: try again in a moment."),
)
_LISTS: Final = (
    N_("{count} here: {names} and {more} more."),
    N_("{count} here: {names}."),
    N_("{count} here: {names},"),  # and another notice goes on
    N_("Banned: nobody."),
    N_("Banned: {names} and {more} more."),
    N_("Banned: {names}."),
    N_("Banned: {names},"),
)
_MARK = re.compile(r" \((?:(host)|muted)\)(?=,|$| and [0-9]+ more\.$|\.$)")


def advice(text: str) -> str:
    """Say what a relay's notice says; one of no known form is shown as it came."""
    if text == PASSWORD_SET:
        sentence = _(
            "The room has a new password. It came over UDP, in the clear: whoever listens on the way knows it."
        )
    elif text == PASSWORD_REMOVED:
        sentence = _("The room has no password any more.")
    else:
        sentence = translated(text, FORMS) or translated(text, REFUSALS) or _list(text) or text
    return sanitize(sentence)


def _list(text: str) -> str | None:
    """Read an answer to /who or /unban, or the rest of one."""
    marked = _MARK.sub(lambda found: _(" (host)") if found[1] else _(" (muted)"), text)
    return translated(marked, _LISTS) or (marked if text.startswith("... ") else None)
