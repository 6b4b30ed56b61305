"""What the screens say, in a few words each."""

from messenger.core.conversation import Conversation, Presence
from messenger.core.roster import Person
from messenger.presentation.i18n import _, ngettext
from messenger.terminal.choices import Choice


def title_of(conversation: Conversation) -> str:
    """Say which room it is."""
    return conversation.title or _("Lobby")


def presence(conversation: Conversation, retry_seconds: float) -> str:
    """Say how far in one is."""
    match conversation.presence:
        case Presence.LOOKING:
            return _("looking at the certificate")
        case Presence.ASKING:
            return _("whom to trust?")
        case Presence.ENTERING:
            return _("connecting")
        case Presence.HERE:
            return _("connected")
        case Presence.WAITING:
            return _("reconnecting in {seconds} s").format(seconds=max(1, round(retry_seconds)))
        case Presence.RETURNING:
            return _("reconnecting")
        case Presence.OVER:
            return _("not connected")


def role(conversation: Conversation) -> str:
    """Say as whom one is there."""
    name = conversation.entry.name
    return _("{name} (host)").format(name=name) if conversation.host else name


def members(conversation: Conversation) -> str:
    """Say how many are there."""
    count = len(conversation.roster)
    if not count:
        return ""
    if conversation.roster.known:
        return ngettext("{count} member", "{count} members", count).format(count=count)
    return _("heard here")


def mark_of(person: Person) -> str:
    """Say what is special about somebody; empty if nothing is."""
    if person.host:
        return _("host")
    return _("muted") if person.muted else ""


def new_messages(count: int) -> str:
    """Say how much is further down."""
    return ngettext("{count} new", "{count} new", count).format(count=count)


def label_of(choice: Choice) -> str:
    """Say what a button does."""
    return {
        Choice.AGAIN: _("Try again"),
        Choice.CREATE: _("Create the room"),
        Choice.JOIN: _("Join the room"),
        Choice.PASSWORD: _("Give the password"),
        Choice.NAME: _("Choose another name"),
        Choice.TRUST: _("Trust from now on"),
        Choice.DISTRUST: _("Don't trust"),
        Choice.CLOSE: _("Close"),
    }[choice]


def keys() -> list[tuple[str, str]]:
    """Return what the keys do, for the help."""
    return [
        ("F1", _("this help")),
        ("F2", _("open another room")),
        ("F3  F4", _("show or hide the rooms, the members")),
        ("Ctrl-N  Ctrl-P", _("next room, previous room")),
        ("F5", _("mute this room, or let it call for you again")),
        ("F6", _("light or dark")),
        ("F7", _("copy an invitation into this room")),
        (_("Page Up, Page Down"), _("scroll; Ctrl-End goes to the end")),
        (_("Up, Down"), _("what you typed before")),
        ("Tab", _("complete a name or a command; on an empty line go to the lists")),
        ("Esc", _("back to typing")),
        ("Ctrl-C", _("copy what is selected; otherwise leave everything and end")),
        ("Ctrl-Q", _("leave everything and end")),
    ]


def hints() -> list[tuple[str, str, str]]:
    """Return keys, what they do in a word, and their actions."""
    return [
        ("F1", _("Help"), "app.help"),
        ("F2", _("New room"), "app.new_room"),
        ("^N", _("Next"), "app.go(1)"),
        ("F3", _("Rooms"), "app.pane('rooms')"),
        ("F4", _("Members"), "app.pane('members')"),
        ("F6", _("Light/dark"), "app.toggle_theme"),
        ("^Q", _("Quit"), "app.leave_all"),
    ]
