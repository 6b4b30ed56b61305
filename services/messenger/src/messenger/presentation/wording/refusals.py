"""Why a relay doesn't let somebody in: one answer for each status, and one for each code that says it more exactly."""

from typing import Final, NamedTuple

from chatproto import Refusal, Status, sanitize
from messenger.presentation.i18n import N_, _


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


def exactly(why: Refusal) -> str | None:
    """Say why exactly a relay refused, with what to do; None if it gives no code."""
    return _(why.code.message).format(**why.fields) if why.code else None


def refusal(why: Refusal) -> Words:
    """Say why a relay refused; what has no code is shown as the relay says it."""
    if known := exactly(why):
        return Words(known)
    words = _BY_STATUS[why.status].chosen()
    if not why.said:
        return words
    return words._replace(what=_('{what} The relay says: "{text}"').format(what=words.what, text=sanitize(why.said)))
