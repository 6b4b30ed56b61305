"""Where one says into which room one wants to come, and as whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Paste, Resize
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Checkbox, Input, OptionList, RadioButton, RadioSet, Static
from textual.widgets.option_list import Option

from chatbrain import Tls
from chatproto import BadNameError, sanitize
from messenger.core.entry import Entry, Field, FormError, new_key
from messenger.core.invite import Invite, parse_invite
from messenger.core.open_rooms import OpenRooms
from messenger.core.schemes import is_invite, is_link
from messenger.presentation.i18n import _
from messenger.presentation.wording import flaw
from messenger.store.recents import Recent
from messenger.terminal.open_rooms_box import OpenRoomsBox

_SHORT = 30
_WAYS = ("join", "create", "lobby")


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the form at the beginning."""

    server: str = "127.0.0.1"
    name: str = ""
    tls: bool = False


class StartScreen(Screen[Entry]):
    """The form, and below it where one was lately."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up"),
        Binding("down", "app.focus_next"),
        Binding("up", "app.focus_previous"),
    ]

    class Forgotten(Message):
        """A recent chat is to be removed from the list."""

        def __init__(self, recent: Recent) -> None:
            super().__init__()
            self.recent = recent

    def __init__(self, form: Form, recents: Sequence[Recent], open_rooms: OpenRooms, *, closable: bool) -> None:
        """Take what stands in the form, and what there is to choose from; a ``closable`` screen can be left."""
        super().__init__()
        self._form = form
        self._open_rooms = open_rooms
        self._recents = list(recents)
        self._closable = closable
        self._invite: Invite | None = None
        """Which one was taken apart last: where it leads, its key is needed."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(id="start", can_focus=False):
            yield Static(Content("Online Chat Messenger"), id="start-title")
            with RadioSet(id="way", compact=True):
                for way, label in zip(_WAYS, (_("Join a room"), _("Create a room"), _("Lobby")), strict=True):
                    yield Way(label, value=way == "join", id=f"way-{way}", compact=True)
            yield from self._field(Field.SERVER, _("Relay"), self._form.server, _("host, host:port or chat://…"))
            yield from self._field(Field.ROOM, _("Room"), "", _("the room's name"))
            yield from self._field(Field.NAME, _("Your name"), self._form.name, _("shown to the other members"))
            yield from self._field(Field.PASSWORD, _("Password"), "", _("if the room has one"))
            with Horizontal(classes="field", id="tls-line"):
                yield Static("", classes="label")
                yield Tick(_("Encrypt joining (TLS)"), self._form.tls, id="tls", compact=True)
            with Horizontal(classes="field", id="sealed-line"):
                yield Static("", classes="label")
                yield Tick(_("Seal: only members with the key can read"), id="sealed", compact=True)
            with Horizontal(id="start-buttons"):
                yield Button(_("Enter"), id="enter", variant="primary", compact=True)
                yield Button(_("Back") if self._closable else _("Quit"), id="back", compact=True)
            with Vertical(id="recents-box"):
                yield Static(Content(_("Recent rooms (Delete removes one)")), id="recents-title")
                yield RecentsList(*map(_recent_option, self._recents), id="recents", markup=False, compact=True)
            yield OpenRoomsBox(self._open_rooms, self._relay)

    def _field(self, field: Field, label: str, value: str, hint: str) -> ComposeResult:
        with Vertical(classes="field-box", id=f"box-{field}"):
            with Horizontal(classes="field"):
                yield Static(Content(label), classes="label")
                yield _KINDS.get(field, Input)(
                    value,
                    placeholder=hint,
                    password=field is Field.PASSWORD,
                    id=f"field-{field}",
                    compact=True,
                )
            yield Static(id=f"flaw-{field}", classes="flaw", markup=False)

    def on_resize(self, event: Resize) -> None:
        """Leave the blank lines out where there is little space."""
        self.set_class(event.size.height < _SHORT, "-short")

    def on_mount(self) -> None:
        """Go to the first field that has to be filled in."""
        self.query_one("#recents-box").display = bool(self._recents)
        self.query_one("#sealed-line").display = False
        self._input(Field.ROOM if self._form.name else Field.NAME).focus()

    def on_radio_set_changed(self) -> None:
        """Show what that way needs."""
        lobby = self._way == "lobby"
        for field in (Field.ROOM, Field.PASSWORD):
            self.query_one(f"#box-{field}").display = not lobby
        self.query_one("#tls-line").display = not lobby
        self.query_one("#sealed-line").display = self._way == "create"
        self.query_one(OpenRoomsBox).settle()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer the rooms of another relay."""
        if event.input.id == f"field-{Field.SERVER}":
            self.query_one(OpenRoomsBox).settle()

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Offer the rooms of the relay, or none, by TLS or in the clear."""
        if event.checkbox.id == "tls":
            self.query_one(OpenRoomsBox).settle()

    def on_open_rooms_box_chosen(self, event: OpenRoomsBox.Chosen) -> None:
        """Fill in a room of the relay."""
        self._choose("join")
        self._input(Field.ROOM).value = event.room.name
        if event.room.password:
            self._input(Field.PASSWORD).focus()
        elif self._input(Field.NAME).value:
            self.query_one("#enter").focus()
        else:
            self._input(Field.NAME).focus()

    def on_link_field_invited(self, event: "LinkField.Invited") -> None:
        """Take an invitation apart."""
        self._take_invite(event.text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next field that is empty, or come in."""
        if isinstance(event.input, LinkField) and event.input.means(event.value):
            self._take_invite(event.value)
            return
        needed = [Field.SERVER, Field.NAME] if self._way == "lobby" else [Field.SERVER, Field.ROOM, Field.NAME]
        for field in needed:
            if not self._input(field).value and self._input(field) is not event.input:
                self._input(field).focus()
                return
        self._enter()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Come in, or don't."""
        if event.button.id == "enter":
            self._enter()
        else:
            self.action_give_up(quits=True)

    @on(OptionList.OptionSelected, "#recents")
    def fill_in(self, event: OptionList.OptionSelected) -> None:
        """Fill in a recent chat."""
        recent = self._recents[event.option_index]
        self._choose("lobby" if recent.room is None else "join")
        self._input(Field.SERVER).value = recent.server
        self._input(Field.ROOM).value = recent.room or ""
        self._input(Field.NAME).value = recent.name
        self.query_one("#tls", Checkbox).value = recent.tls
        self.query_one("#enter").focus()

    def forget(self, index: int) -> None:
        """Remove a recent chat."""
        self.post_message(self.Forgotten(self._recents.pop(index)))
        self.query_one("#recents", OptionList).remove_option_at_index(index)
        self.query_one("#recents-box").display = bool(self._recents)

    def action_give_up(self, *, quits: bool = False) -> None:
        """Go back to where one was; where one was nowhere, only a button ends the program."""
        if self._closable:
            self.dismiss(None)
        elif quits:
            self.app.exit()

    @property
    def _way(self) -> str:
        pressed = self.query_one("#way", RadioSet).pressed_button
        return (pressed.id or "").removeprefix("way-") if pressed else "join"

    def _choose(self, way: str) -> None:
        self.query_one(f"#way-{way}", RadioButton).value = True

    def _input(self, field: Field) -> Input:
        return self.query_one(f"#field-{field}", Input)

    def _relay(self) -> tuple[str, bool] | None:
        """Return whose rooms to offer, and whether by TLS; nobody's while only a link names the relay."""
        server, tls = self._input(Field.SERVER).value, self.query_one("#tls", Checkbox).value
        invited = self._invite is not None and server == str(self._invite.server)
        return None if invited or self._way == "lobby" else (server, tls)

    def _take_invite(self, text: str) -> None:
        try:
            invite = parse_invite(text)
        except (ValueError, BadNameError):  # said when one wants to come in
            return
        self._invite = invite
        self._input(Field.SERVER).value = str(invite.server)
        self._input(Field.ROOM).value = sanitize(invite.room or "")
        self.query_one("#tls", Checkbox).value = invite.tls
        self._choose("lobby" if invite.room is None else "join")
        self._input(Field.NAME).focus()

    def _enter(self) -> None:
        lobby = self._way == "lobby"
        try:
            entry = Entry.read(
                self._input(Field.SERVER).value,
                None if lobby else self._input(Field.ROOM).value,
                self._input(Field.NAME).value,
                create=self._way == "create",
                password=self._input(Field.PASSWORD).value,
                tls=Tls() if self.query_one("#tls", Checkbox).value else None,
                key=new_key() if self._way == "create" and self.query_one("#sealed", Checkbox).value else None,
            )
        except FormError as error:
            self._show(error)
        else:
            self.dismiss(self._invite.unlock(entry) if self._invite and self._invite.key else entry)

    def _show(self, error: FormError) -> None:
        for field in Field:
            problem = error.problems.get(field)
            words = self.query_one(f"#flaw-{field}", Static)
            words.update(Content(flaw(problem) if problem else ""))
            words.display = problem is not None
        self._input(next(field for field in Field if field in error.problems)).focus()


class LinkField(Input):
    """Where the relay is, or the room; an invitation that is pasted stands for the whole form."""

    means = staticmethod(is_invite)
    """Tells what is meant to be one."""

    class Invited(Message):
        """An invitation was pasted."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def _on_paste(self, event: Paste) -> None:
        if self.means(event.text):
            event.prevent_default()
            event.stop()
            self.value = event.text.strip()
            self.post_message(self.Invited(self.value))


class RoomField(LinkField):
    """Which room; its name may begin as addresses do."""

    means = staticmethod(is_link)


_KINDS: Final = {Field.SERVER: LinkField, Field.ROOM: RoomField}


class RecentsList(OptionList):
    """Where one was lately."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("delete", "forget")]

    def action_forget(self) -> None:
        """Remove the chat that is marked."""
        if self.highlighted is not None and isinstance(self.screen, StartScreen):
            self.screen.forget(self.highlighted)


def _recent_option(recent: Recent) -> Option:
    room = sanitize(recent.room) if recent.room is not None else _("Lobby")
    where = f"{sanitize(recent.server)}{' TLS' if recent.tls else ''}"
    mark = [(f"★ {sanitize(recent.bookmark)}  ", "bold $accent")] if recent.bookmark else []
    return Option(
        Content.assemble(
            *mark,
            (room, "bold"),
            (_(" at {server} as {name}").format(server=where, name=sanitize(recent.name)), "$foreground 60%"),
        )
    )


class Way(RadioButton):
    """One of several ways; one sees whether it is on without colours too."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 - Textual's word
        """A dot in a circle, or a circle."""
        return "◉" if self.value else "○"


class Tick(Checkbox):
    """Yes or no."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802 - Textual's word
        """A box with a tick, or without."""
        return "☑" if self.value else "☐"
