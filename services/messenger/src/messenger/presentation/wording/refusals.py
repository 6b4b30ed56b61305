"""Why a relay doesn't let somebody in: one answer for each status, and for what relays say more exactly."""

from typing import Final, NamedTuple

from chatproto import Status, sanitize
from messenger.presentation.i18n import N_, _
from messenger.presentation.wording.flaws import SENTENCES
from messenger.presentation.wording.forms import translated

FORMS: Final = (
    N_("The user name is reserved: choose another."),
    N_("The user name ends like a mark in a list, such as (host): leave that out."),
    N_("The host of this room has banned you."),
    N_("The user name begins with a mark ({character}): put a letter before it."),
    N_("The room name begins with a mark ({character}): put a letter before it."),
    N_("The user name has a character that names can't have ({character}): leave it out."),
    N_("The room name has a character that names can't have ({character}): leave it out."),
    N_("The user name has {count} characters once its ligatures are taken apart: use at most {limit}."),
    N_("The room name has {count} characters once its ligatures are taken apart: use at most {limit}."),
    N_("There is no such room, or the password is wrong."),
    N_("The room has a password: give it to join."),
    N_("The relay has as many members as it may: try later."),
    N_("The relay has as many rooms as it may: join one or try later."),
    N_("The relay has as many streams as it may: chat over UDP, or try later."),
    N_("Your address has as many members as it may: leave a room first."),
    N_("Your address has as many rooms as it may: close one first."),
    N_("Too many joins from your address: try again in a few seconds."),
    N_("Too many new passwords from your address: try again in a minute."),
    N_("Too many wrong passwords: try again in two minutes."),
    N_("Too many requests are open: try again in a moment."),
    N_("The relay is short of memory for passwords: try again in a moment."),
    N_("The relay carries as many members as it may: try later."),
    N_("The relay has too many links to other nodes: try again in a moment."),
    N_("The room's node can't be reached: try again in a moment."),
    N_("The room's node is gone: try again in a moment."),
    N_("The relay checks many passwords just now: try again in a moment."),
    N_("The relay didn't get to the request in time: try again in a moment."),
    N_("Another process takes the relay over: try again in a moment."),
    N_("This relay lets in by TLS alone: use a client that speaks it (chat --tls)."),
    N_("This relay lets in by TLS alone: open the page by https."),
    N_("This relay lists no rooms."),
    N_("This relay has no sealed rooms: create one that isn't sealed, or use another relay."),
    N_("The request was not whole in time."),
    *SENTENCES,
)
"""What relays say more exactly than the status; it has what to do in it.

A reply to a request has nothing but this sentence beside its status (TCP-06), so here sentences have to be read.
"""


class Words(NamedTuple):
    """Two sentences, for two places in a window or one line."""

    what: str
    """What happened."""
    todo: str = ""
    """What the person can do next; empty if nothing needs doing."""

    def chosen(self) -> "Words":
        """Return both in the chosen language, of texts that were marked by ``N_``."""
        return Words(_(self.what), _(self.todo) if self.todo else "")

    @property
    def line(self) -> str:
        """Both in one line."""
        return _("{what} {todo}").format(what=self.what, todo=self.todo) if self.todo else self.what


_BY_STATUS: Final = {
    Status.OK: Words(N_("You are in.")),
    Status.ROOM_EXISTS: Words(N_("A room with this name already exists."), N_("Join it, or choose another name.")),
    Status.NO_SUCH_ROOM: Words(N_("There is no room with this name."), N_("Create it, or check the spelling.")),
    Status.WRONG_PASSWORD: Words(N_("The password is wrong."), N_("Try again, or ask the host for it.")),
    Status.NAME_TAKEN: Words(
        N_("A member of the room already has this name, or one that looks like it."), N_("Choose another name.")
    ),
    Status.BAD_NAME: Words(N_("The relay doesn't accept this name."), N_("Choose another name.")),
    Status.ROOM_FULL: Words(N_("The room is full."), N_("Try again when somebody leaves.")),
    Status.TOO_MANY: Words(
        N_("The relay's limit on rooms or members is reached, for your address or in total."),
        N_("Leave another room, or try again later."),
    ),
    Status.MALFORMED: Words(N_("The relay doesn't understand this program."), N_("Check for a newer version of it.")),
    Status.PAYLOAD_TOO_LARGE: Words(
        N_("The request is larger than the relay accepts."), N_("Choose a shorter name or password.")
    ),
    Status.NOT_SUPPORTED: Words(N_("The relay doesn't support this."), N_("Ask its operator.")),
    Status.BUSY: Words(N_("The relay is busy."), N_("Try again in a moment.")),
    Status.SHUTTING_DOWN: Words(N_("The relay is shutting down."), N_("Try again when it is back.")),
    Status.SEALED: Words(
        N_("The room is sealed: only members with its key can read it."), N_("Ask a member for the whole invitation.")
    ),
    Status.ELSEWHERE: Words(N_("The room is on another server."), N_("Join it there.")),
    Status.NO_SEAT: Words(N_("Your place in the room is gone."), N_("Join again.")),
}


def exactly(text: str) -> str | None:
    """Say what a relay's own sentence says; None if it is of no known form."""
    return translated(text, FORMS)


def refusal(status: Status, text: str = "") -> Words:
    """Say why a relay refused, by its status and by what it said to it."""
    own = sanitize(text)
    if own in {"", status.message}:
        return _BY_STATUS[status].chosen()
    if known := exactly(own):
        return Words(known)
    words = _BY_STATUS[status].chosen()
    return words._replace(what=_('{what} The relay says: "{text}"').format(what=words.what, text=own))
