"""What the screens say, in a few words each."""

from messenger.core.conversation import Conversation
from messenger.presentation.i18n import _, ngettext
from messenger.presentation.state import members_of


def role(conversation: Conversation) -> str:
    """Say as whom one is there."""
    name = conversation.entry.name
    return _("{name} (host)").format(name=name) if conversation.host else name


def members(conversation: Conversation) -> str:
    """Say how many are there."""
    if not conversation.roster:
        return ""
    return members_of(conversation) if conversation.roster.known else _("seen here")


def new_messages(count: int) -> str:
    """Say how much is further down."""
    return ngettext("{count} new", "{count} new", count).format(count=count)


def keys() -> list[tuple[str, str]]:
    """Return what the keys do, for the help."""
    return [
        ("F1", _("this help")),
        ("F2", _("open another room")),
        ("F3  F4", _("show or hide the rooms, the members")),
        ("Ctrl-N  Ctrl-P", _("next room, previous room")),
        ("F5", _("turn this room's notifications off or on")),
        ("F6", _("switch between light and dark")),
        ("F7", _("copy an invitation to this room")),
        ("F8", _("do what is offered first: try now, or send again")),
        (_("Page Up, Page Down"), _("scroll; Ctrl-End goes to the newest message")),
        ("Alt-Enter", _("begin a new line")),
        (_("Up, Down"), _("recall earlier input")),
        ("Tab", _("complete a name or a command; on an empty line, go to the lists")),
        ("Ctrl-F", _("search in this room")),
        ("Ctrl-R", _("reply, quoting the newest message; again: an older one")),
        ("Esc", _("back to the message field")),
        ("Ctrl-C", _("copy the selection; without one, leave all rooms and quit")),
        ("Ctrl-Q", _("leave all rooms and quit")),
        ("Ctrl +  Ctrl -", _("larger or smaller letters, in most terminals")),
        (_("click on a time"), _("reply to a message, copy it, mention its sender")),
        ("> text", _("quote a line")),
        ("`text`", _("show text as code; ``` on both sides for lines of code")),
    ]


def hints() -> list[tuple[str, str, str]]:
    """Return keys, what they do in a word, and their actions."""
    return [
        ("F1", _("Help"), "app.help"),
        ("F2", _("New room"), "app.new_room"),
        ("^N", _("Next"), "app.go(1)"),
        ("F3", _("Rooms"), "app.pane('rooms')"),
        ("F4", _("Members"), "app.pane('members')"),
        ("^F", _("Search"), "app.search"),
        ("^Q", _("Quit"), "app.leave_all"),
    ]
