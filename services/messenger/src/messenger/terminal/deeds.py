"""What is done with rooms, with who is there, and with what was said: by a menu, a key or a command."""

from contextlib import suppress

from textual.app import App

from chatclient.names import own_addresses
from chatproto.text import NEWLINE_SIGN
from messenger.core.commands import Bookmark, Export, interpret
from messenger.core.conversation import Conversation
from messenger.core.entry import FormError
from messenger.core.history import Line
from messenger.core.invite import Invite, PageInvite
from messenger.core.messenger import Messenger
from messenger.core.quoting import Reply, can_quote
from messenger.core.roster import Person
from messenger.presentation import wording
from messenger.presentation.i18n import _
from messenger.store.export import ExportError, export
from messenger.store.recents import Recents, RecentsError
from messenger.terminal import questions
from messenger.terminal.room_screen import RoomScreen


class Deeds:
    """Acts on the room that is shown."""

    def __init__(self, app: App[None], messenger: Messenger, rooms: RoomScreen, recents: Recents | None) -> None:
        self._app, self._messenger, self._rooms, self._recents = app, messenger, rooms, recents
        self._reply = Reply()

    def reopen(self) -> Conversation | None:
        """Come in again where one was when the program ended; returns the first room."""
        opened = []
        for recent in self._recents.take_open() if self._recents else ():
            with suppress(FormError):  # somebody else wrote that
                opened.append(self._messenger.enter(recent.entry()))
        return opened[0] if opened else None

    def tell_flaw(self) -> None:
        """Say if the file of recent rooms was damaged."""
        if self._recents and self._recents.flaw:
            self._app.notify(self._recents.flaw, severity="warning", timeout=15, markup=False)

    def do(self, room: Conversation, line: str) -> None:
        """Do what a typed line asks for."""
        match interpret(line):
            case Export(file):
                self.save(room, file)
            case Bookmark(name):
                self._bookmark(room, name)

    def open_menu(self, number: int) -> None:
        """Ask what to do about a message."""
        room = self._rooms.current
        if room and can_quote(room.history, number):
            line = room.history[number]
            menu = questions.about_message(line, own_name=room.entry.name)
            self._app.push_screen(menu, lambda chosen: self._act_on(room, number, line, chosen))

    def ask_about(self, person: Person) -> None:
        """Ask what to do about somebody else."""
        room = self._rooms.current
        if room and person.name != room.entry.name:
            menu = questions.about_person(room, person)
            self._app.push_screen(menu, lambda chosen: self._act_about(room, person, chosen))

    def mention(self, name: str) -> None:
        """Begin to say something to somebody."""
        composer = self._rooms.composer
        composer.put(f"{name}: {composer.value}")
        composer.focus()

    def reply(self) -> None:
        """Quote the newest message, or an older one each time."""
        composer, room = self._rooms.composer, self._rooms.current
        if room:
            composer.put(self._reply.older(room.history, composer.value, NEWLINE_SIGN))
            composer.focus()

    def save(self, room: Conversation, file: str, *, overwrite: bool = False) -> None:
        """Save what was said in a file, and ask for its name, or before one is overwritten."""
        if not file:
            self._app.push_screen(questions.file_for(room), lambda chosen: self.save(room, chosen) if chosen else None)
            return
        try:
            room.note(export(room, file, overwrite=overwrite))
        except FileExistsError:
            self._app.push_screen(
                questions.overwrite(file),
                lambda chosen: self.save(room, file, overwrite=True) if chosen == questions.OVERWRITE else None,
            )
        except ExportError as error:
            room.note(str(error), problem=True)
        self._messenger.on_change()

    def copy_invitation(self) -> None:
        """Copy a link that leads into the room."""
        room = self._rooms.current
        if room and (page := PageInvite.to(room.entry, room.contact.web)):
            self._app.push_screen(questions.which_invitation(), lambda chosen: self._copy_chosen(room, page, chosen))
        elif room:
            self._copy_invite(room)

    def _copy_chosen(self, room: Conversation, page: PageInvite, chosen: str | None) -> None:
        if chosen == questions.FOR_BROWSERS:
            self._app.copy_to_clipboard(page.link)
            room.note(wording.page_invitation(page))
            self._messenger.on_change()
        elif chosen:
            self._copy_invite(room)

    def _copy_invite(self, room: Conversation) -> None:
        invite = Invite.to(room.entry)
        self._app.copy_to_clipboard(invite.link)
        if invite.is_for_others and not invite.key:
            self._app.notify(_("Invitation copied."), timeout=3, markup=False)
        else:
            room.note(wording.invitation(invite, own_addresses()))
            self._messenger.on_change()

    def _bookmark(self, room: Conversation, name: str) -> None:
        if self._recents:
            try:
                room.note(self._recents.bookmark(room.entry, name))
            except RecentsError as error:
                room.note(str(error), problem=True)
            self._messenger.on_change()

    def _act_about(self, room: Conversation, person: Person, chosen: str | None) -> None:
        if chosen == questions.MENTION:
            self.mention(person.name)
        elif chosen == questions.IGNORE:
            self._messenger.ignore(room, person.name, ignored=not person.ignored)
        elif chosen:
            self._messenger.command(room, f"/{chosen} {person.name}")

    def _act_on(self, room: Conversation, number: int, line: Line, chosen: str | None) -> None:
        composer = self._rooms.composer
        if chosen == questions.REPLY and can_quote(room.history, number):
            composer.put(self._reply.to(room.history, number, composer.value, NEWLINE_SIGN))
        elif chosen == questions.COPY:
            self._app.copy_to_clipboard(line.text)
            self._app.notify(_("Copied."), timeout=2, markup=False)
        elif chosen == questions.MENTION and line.sender:
            self.mention(line.sender)
        elif chosen == questions.IGNORE and line.sender:
            self._messenger.ignore(room, line.sender)
