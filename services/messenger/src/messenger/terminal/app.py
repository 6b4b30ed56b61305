"""The terminal app: it shows a messenger, and does what a person wants."""

import os
import sys
from collections.abc import Callable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widgets import Input

from chatbrain import Ended, EndReason
from chatproto import Status
from messenger.cli.platforms import open_link
from messenger.core.commands import Submitted
from messenger.core.conversation import Conversation
from messenger.core.entry import Entry
from messenger.core.facts import Presence
from messenger.core.history import Line
from messenger.core.messenger import Messenger
from messenger.core.remedy import Remedy
from messenger.presentation.i18n import _
from messenger.presentation.state import Act, do
from messenger.store.recents import Recents
from messenger.terminal import questions
from messenger.terminal.composer import Composer
from messenger.terminal.deeds import Deeds
from messenger.terminal.dialogs import Dialog, Help
from messenger.terminal.recovery_panel import RecoveryPanel
from messenger.terminal.room_screen import RoomScreen
from messenger.terminal.start_screen import Form, StartScreen
from messenger.terminal.themes import DARK, LIGHT, choose_theme
from messenger.terminal.transcript import Transcript
from messenger.terminal.type_ahead import TypeAhead

FRAME_SECONDS: Final = 1 / 30
"""However much happens, the screen is drawn anew this often at most."""


class ChatApp(TypeAhead[None]):
    """Rooms on a screen."""

    CSS_PATH = "style.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave_all", priority=True),
        Binding("ctrl+c", "copy_or_leave", priority=True),
        Binding("f1", "help"),
        Binding("f2", "new_room"),
        Binding("f3", "pane('rooms')"),
        Binding("f4", "pane('members')"),
        Binding("f5", "mute_room"),
        Binding("f6", "toggle_theme"),
        Binding("f7", "copy_invitation"),
        Binding("ctrl+f", "search", priority=True),
        Binding("ctrl+r", "reply", priority=True),
        Binding("ctrl+n,ctrl+pagedown", "go(1)", priority=True),
        Binding("ctrl+p,ctrl+pageup", "go(-1)", priority=True),
    ]

    def __init__(
        self,
        messenger: Messenger,
        *,
        form: Form,
        first: Entry | None = None,
        recents: Recents | None = None,
        bell: bool = False,
    ) -> None:
        """Take the messenger, what stands in the form at the beginning, and where to come in at once, if anywhere."""
        super().__init__()
        self.animation_level = "none"  # what moves is only late, over ssh above all
        self.first: Conversation | None = None
        """The room that was asked for at the start."""
        self.messenger = messenger
        self._form = form
        self._entry = first
        self._recents = recents
        self._remembered: set[Conversation] = set()
        self._asked: set[Conversation] = set()
        """Where the password was asked for without being told to."""
        self._leaving: Dialog[str] | None = None
        """What asks a host whether rooms are to be closed, or has asked."""
        self._dirty = False
        self._rooms = RoomScreen(messenger)
        self._deeds = Deeds(self, messenger, self._rooms, recents)
        messenger.on_change = self._mark_dirty
        if bell:
            messenger.on_alert = self._alert
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = choose_theme(os.environ)

    @property
    def current(self) -> Conversation | None:
        """The conversation that is shown."""
        return self._rooms.current

    def get_default_screen(self) -> RoomScreen:
        """Begin with the rooms."""
        return self._rooms

    def on_room_screen_ready(self) -> None:
        """Come in, or ask where."""
        self.set_interval(1.0, self._count_down)
        if self._entry:
            self.first = self._enter(self._entry)
        elif opened := self._deeds.reopen():
            self.go_to(opened)
        else:
            self.action_new_room()
        self.call_after_refresh(self._deeds.tell_flaw)

    # -- what changes is shown

    def _mark_dirty(self) -> None:
        if not self._dirty:
            self._dirty = True
            self.set_timer(FRAME_SECONDS, self._draw)

    def _draw(self) -> None:
        self._dirty = False
        if not self._rooms.is_running:  # the end
            return
        self._rooms.take_in()
        self._attend()
        for room in self.messenger.conversations:
            if room.presence is Presence.HERE and room not in self._remembered:
                self._remember(room)
        self._ask_for_password()

    def _attend(self) -> None:
        looks = self.app_focus and self.screen is self._rooms and self._rooms.transcript.following
        self.messenger.attend(self.current if looks else None)

    def watch_app_focus(self) -> None:
        """Take note that the person looks elsewhere, or here again."""
        self._mark_dirty()

    def on_transcript_scrolled(self) -> None:
        """Take note whether the newest is in sight."""
        self._attend()
        self._mark_dirty()

    def _count_down(self) -> None:
        if any(room.presence is Presence.WAITING for room in self.messenger.conversations):
            self._mark_dirty()

    def _remember(self, room: Conversation) -> None:
        self._remembered.add(room)
        if room.entry.create and room.entry.key:
            room.note(_("Only members with the key can read this room: F7 copies an invitation, which has it."))
        if self._recents:
            try:
                self._recents.remember(room.entry)
            except OSError:  # what only spares typing isn't worth a word
                self._recents = None

    def _alert(self, _room: Conversation, _line: Line) -> None:
        self.bell()

    # -- rooms

    def _enter(self, entry: Entry) -> Conversation:
        room = self.messenger.enter(entry)
        self.go_to(room)
        return room

    def go_to(self, room: Conversation) -> None:
        """Show a room."""
        self._rooms.show(room)
        self._mark_dirty()

    def on_room_screen_room_chosen(self, event: RoomScreen.RoomChosen) -> None:
        """Show the room that was chosen in the list."""
        self.go_to(event.conversation)
        self._rooms.composer.focus()

    def action_go(self, step: int) -> None:
        """Show the next room, or the one before."""
        rooms = self.messenger.conversations
        if self.current in rooms and self.screen is self._rooms:
            self.go_to(rooms[(rooms.index(self.current) + step) % len(rooms)])

    def action_new_room(self) -> None:
        """Ask into which room."""
        if self.screen is not self._rooms:
            return
        recents = self._recents.offered() if self._recents else []
        form = self._form
        if self.current:
            entry = self.current.entry
            form = Form(str(entry.server), entry.name, entry.tls is not None)
        elif recents and self._entry is None:
            form = Form(form.server, form.name)
        messenger = self.messenger
        screen = StartScreen(form, recents, messenger.open_rooms, closable=bool(messenger.conversations))
        self.push_screen(screen, self._take_entry)

    def _take_entry(self, entry: Entry | None) -> None:
        if entry:
            self._enter(self._recents.recall(entry) if self._recents and not self.messenger.transport else entry)
        self._mark_dirty()

    def on_start_screen_forgotten(self, event: StartScreen.Forgotten) -> None:
        """Remove a recent chat from the file."""
        if self._recents:
            try:
                self._recents.forget(event.recent)
            except OSError as error:
                self.notify(str(error.strerror), markup=False)

    def remove_room(self, room: Conversation) -> None:
        """Leave a room and show another one; without one the app ends."""
        rooms = self.messenger.conversations
        index = rooms.index(room)
        self.messenger.remove(room)
        if not rooms:
            self.exit()
        elif self.current is room:
            self.go_to(rooms[min(index, len(rooms) - 1)])

    def action_leave_all(self) -> None:
        """Leave every room and end; a host is asked first, once."""
        self._leave_if_sure(self.messenger.closing, self._leave_all)

    def _leave_all(self) -> None:
        if self._recents and self._entry is None:
            self._recents.keep_open(self.messenger.wanted)
        self.messenger.leave_all()
        self.exit()

    def leave_at_end(self) -> None:
        """Leave every room, for the system wants an end."""
        self.terminal_gone = bool(sys.__stdin__ and not sys.__stdin__.isatty())
        self._leave_all()

    def action_copy_or_leave(self) -> None:
        """Copy what is selected; without that leave every room and end."""
        field = self.focused
        text = self.screen.get_selected_text()
        if not text and (isinstance(field, Composer) or (isinstance(field, Input) and not field.password)):
            text = field.selected_text
        if not text:
            self.action_leave_all()
            return
        self.copy_to_clipboard(text)
        self.screen.clear_selection()
        self.notify(_("Copied."), timeout=2, markup=False)

    # -- what is typed

    def on_composer_submitted(self) -> None:
        """Do what the line says."""
        room, composer = self.current, self._rooms.composer
        if room is None:
            return
        line = composer.value
        submitted = self.messenger.submit(room, line)
        if submitted is Submitted.MISTYPED:
            composer.mistyped()
        if submitted in {Submitted.KEPT, Submitted.MISTYPED}:
            return
        composer.sent()
        match submitted:
            case Submitted.HELP:
                self.action_help()
            case Submitted.EXPORT | Submitted.BOOKMARK:
                self._deeds.do(room, line)
            case Submitted.LEAVE:
                self._leave(room)
            case Submitted.CHOOSE_PASSWORD:
                self.push_screen(questions.new_password(room), lambda answer: self._choose_password(room, answer))
            case _:
                self._rooms.transcript.go_to_end()

    def on_composer_leave_wanted(self) -> None:
        """Leave, at the end of what one types."""
        if self.current:
            self._leave(self.current)

    def _leave(self, room: Conversation) -> None:
        self._leave_if_sure([room.title] if room.closes_for_others else [], lambda: self.remove_room(room))

    def _leave_if_sure(self, closing: list[str], leave: Callable[[], None]) -> None:
        """Leave; a host is asked first, once, whether these rooms are to close for others."""
        if not closing or self.screen is self._leaving:
            leave()
            return
        self._leaving = questions.leaving(closing)
        self.push_screen(self._leaving, lambda answer: leave() if answer == questions.LEAVE else None)

    def _choose_password(self, room: Conversation, password: str | None) -> None:
        if password is not None:
            self.messenger.choose_password(room, password)

    # -- members

    def on_room_screen_person_chosen(self, event: RoomScreen.PersonChosen) -> None:
        """Ask what to do about somebody."""
        self._deeds.ask_about(event.person)

    # -- messages

    def on_transcript_message_chosen(self, event: Transcript.MessageChosen) -> None:
        """Ask what to do about a message."""
        self._deeds.open_menu(event.number)

    def action_reply(self) -> None:
        """Quote the newest message, or an older one each time."""
        if self.screen is self._rooms:
            self._deeds.reply()

    def action_search(self) -> None:
        """Search in what was said."""
        if self.screen is self._rooms:
            self._rooms.search()

    # -- what a person chooses when it can't go on by itself

    def on_recovery_panel_chosen(self, event: RecoveryPanel.Chosen) -> None:
        """Do what was chosen."""
        room = self.current
        if room is None:
            return
        if isinstance(event.meant, Act) and event.meant is not Act.REMOVE:
            do(event.meant, self.messenger, room)
            return
        {
            Remedy.AGAIN: lambda: self.messenger.again(room),
            Remedy.CREATE: lambda: self.messenger.again(room, room.entry.creating(create=True)),
            Remedy.JOIN: lambda: self.messenger.again(room, room.entry.creating(create=False)),
            Remedy.PASSWORD: lambda: self._give_password(room),
            Remedy.NAME: lambda: self._give_name(room),
            Act.REMOVE: lambda: self.remove_room(room),
        }[event.meant]()

    def _ask_for_password(self) -> None:
        """Ask at once, the first time, when a room turns out to have a password."""
        room = self.current
        if room is None or room.ended is None or self.screen is not self._rooms or room.entry.password:
            return
        if room.ended.status is Status.WRONG_PASSWORD and room not in self._asked:
            self._asked.add(room)
            self._give_password(room)

    def _give_password(self, room: Conversation) -> None:
        self.push_screen(questions.password(room.entry), lambda password: self._retry(room, password))

    def _give_name(self, room: Conversation) -> None:
        self.push_screen(questions.name(room.entry), lambda name: self._rename(room, name))

    def _retry(self, room: Conversation, password: str | None) -> None:
        if password:
            self.messenger.again(room, room.entry.knowing(password))

    def _rename(self, room: Conversation, name: str | None) -> None:
        if name:
            self.messenger.again(room, room.entry.called(name))

    # -- the rest

    def on_transcript_link_chosen(self, event: Transcript.LinkChosen) -> None:
        """Open a link where that is possible, else copy it."""
        if not open_link(event.url, os.environ):
            self.copy_to_clipboard(event.url)
            self.notify(_("Link copied."), timeout=3, markup=False)

    def action_mute_room(self) -> None:
        """Have the room call for nobody's attention any more, or do so again."""
        if room := self.current:
            room.muted = not room.muted
            words = _("Notifications off for this room.") if room.muted else _("Notifications on for this room.")
            self.notify(words, timeout=3, markup=False)
            self._mark_dirty()

    def action_copy_invitation(self) -> None:
        """Copy a link that leads into the room."""
        if self.screen is self._rooms:
            self._deeds.copy_invitation()

    def action_help(self) -> None:
        """Show the keys and the commands."""
        if not isinstance(self.screen, Dialog):
            self.push_screen(Help(), lambda _nothing: self._mark_dirty())

    def action_pane(self, name: str) -> None:
        """Show or hide a pane."""
        if self.screen is self._rooms:
            self._rooms.toggle(name)

    def action_toggle_theme(self) -> None:
        """Turn dark into light, and light into dark."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name
        self._mark_dirty()

    def left_badly(self) -> Ended | None:
        """Return how the room that was asked for at the start ended, unless one left it."""
        ended = self.first.ended if self.first else None
        return None if ended is None or ended.reason is EndReason.LEFT else ended
