import pytest
from PySide6.QtWidgets import QApplication

from chatbrain import Fault, Finding, Presented, Transport
from chatproto import Operation, Status
from chatproto.sealing import RoomKey, Sealer
from messenger.core.entry import Field, new_key
from messenger.core.facts import Presence
from messenger.core.invite import parse_invite
from messenger.desktop.delegates import Role
from messenger.desktop.form import Mode
from messenger.presentation.state import Act
from messenger.store.recents import Recent
from services.messenger.core.fake_relay import SHOWN, entry
from services.messenger.desktop.sight import Sight

DOUBT = Finding(Fault.SELF_SIGNED, "self-signed certificate")


def problem(sight: Sight, field: Field) -> str:
    label = sight.window.start.form.fields[field].problem
    return label.text() if label.isVisible() else ""


def test_one_creates_a_room(sight: Sight) -> None:
    sight.fill(Mode.CREATE)
    sight.window.start.form.password.setText("secret")
    sight.go()
    assert sight.relay.asked == [(Operation.CREATE, "demo", "ann", "secret")]
    assert sight.window.centre.currentWidget() is sight.window.chat
    assert "You created demo" in sight.text
    assert sight.members == ["ann, host"]
    assert sight.window.chat.composer.words.hasFocus()
    assert sight.window.start.form.password.text() == ""


def test_one_joins_a_room_and_the_lobby(sight: Sight) -> None:
    sight.fill(Mode.JOIN)
    sight.go()
    sight.window.show_start()
    sight.fill(Mode.LOBBY)
    sight.go()
    assert sight.rooms == ["demo"]
    sight.pass_time(5)
    sight.look()
    assert sight.rooms == ["demo", "Lobby"]
    assert "You are in the lobby as ann, if it is there: nothing has been heard yet." in sight.text


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, {Field.NAME}),
        ({"name": "a:b"}, {Field.NAME}),
        ({"room": ""}, {Field.ROOM}),
        ({"server": "host:port:x"}, {Field.SERVER}),
        ({"server": "", "room": "", "name": ""}, {Field.SERVER, Field.ROOM, Field.NAME}),
    ],
)
def test_what_cannot_be_used_is_said_in_place(sight: Sight, fields: dict[str, str], wrong: set[Field]) -> None:
    sight.fill(Mode.JOIN, **fields)
    sight.go()
    assert {field for field in Field if problem(sight, field)} == wrong
    assert sight.messenger.conversations == []
    first = next(control for field, control in sight.window.start.form.fields.items() if field in wrong)
    assert first.control.hasFocus()
    assert first.control.accessibleDescription() == first.problem.text()


@pytest.mark.parametrize(
    ("status", "field"),
    [
        (Status.WRONG_PASSWORD, Field.PASSWORD),
        (Status.NAME_TAKEN, Field.NAME),
        (Status.BAD_NAME, Field.NAME),
        (Status.ROOM_EXISTS, Field.ROOM),
        (Status.NO_SUCH_ROOM, Field.ROOM),
        (Status.ROOM_FULL, Field.ROOM),
        (None, Field.SERVER),
    ],
)
def test_a_refusal_is_said_in_place(sight: Sight, status: Status | None, field: Field) -> None:
    sight.relay.verdict = status
    sight.fill(Mode.JOIN)
    sight.go()
    assert problem(sight, field)
    assert [each for each in Field if problem(sight, each)] == [field]
    assert sight.messenger.conversations == []
    assert sight.window.start.form.go.text() == "Join the room"
    sight.relay.verdict = Status.OK
    sight.go()
    assert sight.rooms == ["demo"]


@pytest.mark.parametrize("status", [Status.BUSY, Status.TOO_MANY, Status.SHUTTING_DOWN, Status.NOT_SUPPORTED])
def test_a_refusal_that_is_about_no_field_is_said_above(sight: Sight, status: Status) -> None:
    sight.relay.verdict = status
    sight.fill(Mode.JOIN)
    sight.go()
    notice = sight.window.start.banner.notice
    assert notice
    assert notice.what
    assert sight.window.start.banner.isVisible()
    assert not any(problem(sight, field) for field in Field)


@pytest.mark.parametrize(
    ("status", "mode", "label", "operation"),
    [
        (Status.NO_SUCH_ROOM, Mode.JOIN, "Cre&ate the room", Operation.CREATE),
        (Status.ROOM_EXISTS, Mode.CREATE, "J&oin the room", Operation.JOIN),
    ],
)
def test_a_button_helps(sight: Sight, status: Status, mode: Mode, label: str, operation: Operation) -> None:
    sight.relay.verdict = status
    sight.fill(mode)
    sight.go()
    fix = sight.window.start.form.fix
    assert fix.isVisible()
    assert fix.text() == label
    sight.relay.verdict = Status.OK
    fix.click()
    sight.look()
    assert sight.relay.asked[-1][0] is operation
    assert sight.rooms == ["demo"]


def test_coming_in_can_be_given_up(sight: Sight) -> None:
    sight.fill(Mode.JOIN)
    sight.window.start.form.tls.setChecked(True)
    sight.go()
    assert sight.window.start.form.go.text() == "&Cancel"
    assert sight.rooms == [], "one isn't in yet"
    sight.go()
    assert sight.messenger.conversations == []
    assert sight.window.start.form.go.text() == "Join the room"


def test_a_lobby_where_nobody_listens_is_said_in_place(sight: Sight) -> None:
    sight.fill(Mode.LOBBY)
    sight.go()
    sight.relay.links[-1].lose()
    sight.look()
    assert "no lobby is at this port" in problem(sight, Field.SERVER)
    assert sight.messenger.conversations == []


def test_a_stranger_is_asked_about_and_trusted(sight: Sight) -> None:
    sight.relay.certificate = Presented(SHOWN, DOUBT)
    sight.fill(Mode.JOIN)
    sight.window.start.form.tls.setChecked(True)
    sight.go()
    sight.links.show()
    sight.look()
    banner = sight.window.start.banner
    assert banner.notice
    assert banner.notice.code == SHOWN
    assert sight.relay.asked == []
    banner.buttons[banner.notice.buttons.index(Act.TRUST)].click()
    sight.look()
    assert sight.trusted == [SHOWN]
    assert sight.rooms == ["demo"]
    assert "joined over TLS" in sight.window.chat.bar.state.text()


def test_a_chat_that_nobody_on_the_way_can_read_has_a_lock(sight: Sight) -> None:
    sight.relay.streams = True
    sight.fill(Mode.JOIN)
    sight.window.start.form.tls.setChecked(True)
    sight.go()
    sight.links.show()
    sight.look()
    bar = sight.window.chat.bar
    assert bar.state.text() == "Connected, encrypted"
    assert bar.encrypted.isVisible()
    assert not bar.sealed.isVisible()
    sight.enter("other", key=new_key())
    assert (bar.encrypted.isVisible(), bar.sealed.isVisible()) == (False, True)


@pytest.mark.parametrize("said", [None, Transport.UDP])
def test_the_transport_that_was_chosen_for_a_room_holds_unless_the_command_line_says_another(
    sight: Sight, said: Transport | None
) -> None:
    sight.relay.streams = True
    sight.messenger.transport = said
    sight.recents.remember(entry("demo", transport=Transport.STREAM))
    sight.fill(Mode.JOIN)
    sight.go()
    assert bool(sight.relay.wires) is (said is None)


def test_a_stranger_need_not_be_trusted(sight: Sight) -> None:
    sight.relay.certificate = Presented(SHOWN, DOUBT)
    sight.fill(Mode.JOIN)
    sight.window.start.form.tls.setChecked(True)
    sight.go()
    sight.links.show()
    sight.look()
    banner = sight.window.start.banner
    assert banner.notice
    banner.buttons[banner.notice.buttons.index(Act.DISTRUST)].click()
    sight.look()
    assert sight.relay.asked == []
    assert sight.messenger.conversations == []
    assert not banner.isVisible()


def test_another_certificate_than_before_is_said_loudly(sight: Sight) -> None:
    sight.relay.certificate = Presented(SHOWN, DOUBT)
    sight.case.trust.known["relay.example:9000"] = "BB:" * 31 + "BB"
    sight.fill(Mode.JOIN)
    sight.window.start.form.tls.setChecked(True)
    sight.go()
    sight.links.show()
    sight.look()
    banner = sight.window.start.banner
    assert banner.notice
    assert banner.notice.tone.value == "danger"
    assert "STOP" in banner.notice.what
    assert SHOWN in banner.notice.what
    assert sight.relay.asked == []


def test_where_one_was_is_remembered_without_the_password(sight: Sight) -> None:
    sight.fill(Mode.CREATE, name="さくら")
    sight.window.start.form.password.setText("secret")
    sight.go()
    assert list(sight.recents.read()) == [Recent("relay.example:9000", "demo", "さくら")]
    assert "secret" not in sight.recents.path.read_text()
    sight.window.close()
    start = sight.open_window().start
    assert start.form.name.text() == "さくら"
    assert start.form.server.currentText() == "relay.example"
    assert start.form.room.text() == "demo"
    assert start.list.count() == 1


def test_a_recent_room_is_one_click_away_and_can_be_forgotten(sight: Sight) -> None:
    sight.recents.remember(entry(None, "lou"))
    sight.recents.remember(entry("garden", "kim"))
    start = sight.open_window().start
    start.list.itemClicked.emit(start.list.item(1))
    assert start.form.mode is Mode.LOBBY
    assert start.form.name.text() == "lou"
    start.list.setCurrentRow(0)
    start.forget.click()
    assert [recent.room for recent in sight.recents.read()] == [None]
    assert start.list.count() == 1


def test_a_recent_room_says_where_it_is_and_under_a_bookmark_which_it_is(sight: Sight) -> None:
    sight.recents.remember(entry("garden", "kim"))
    sight.recents.remember(entry("kitchen", "kim"))
    sight.recents.bookmark(entry("garden", "kim"), "Green")
    listed = sight.open_window().start.list
    items = [listed.item(row) for row in range(listed.count())]
    assert {(item.text(), item.data(Role.SUBTITLE)) for item in items} == {
        ("★ Green", "garden · relay.example · kim"),
        ("kitchen", "relay.example · kim"),
    }


def test_another_room_gets_no_password_of_the_one_before(sight: Sight) -> None:
    sight.recents.remember(entry("garden", "kim"))
    start = sight.open_window().start
    start.form.password.setText("sesame")
    start.list.itemClicked.emit(start.list.item(0))
    assert start.form.password.text() == ""


def test_a_file_of_recents_that_cannot_be_written_spoils_nothing(sight: Sight) -> None:
    sight.recents.path.parent.mkdir()
    sight.recents.path.mkdir()
    sight.fill(Mode.JOIN)
    sight.go()
    assert "The recent rooms can't be saved" in sight.text


def test_an_invitation_fills_the_form(sight: Sight) -> None:
    sight.window.open_invite(parse_invite("chats://relay.example:7000/caf%C3%A9"))
    form = sight.window.start.form
    assert (form.server.currentText(), form.room.text(), form.tls.isChecked()) == ("relay.example:7000", "café", True)
    assert form.mode is Mode.JOIN
    assert form.name.hasFocus()


@pytest.mark.parametrize("field", ["address", "room"])
def test_an_invitation_may_be_pasted_as_the_server_or_the_room(sight: Sight, field: str) -> None:
    form = sight.window.start.form
    for text in ("chat:", "chat://relay.example/garden"):
        getattr(form, field).setText(text)
        getattr(form, field).textEdited.emit(text)
    assert (form.server.currentText(), form.room.text()) == ("relay.example", "garden")


def test_a_part_of_an_invitation_is_no_rooms_name(sight: Sight) -> None:
    sight.fill(Mode.JOIN)
    sight.window.start.form.room.setText("chat://relay.example/garden#k=AAECAwQFBgcICQoLDA0OD")
    sight.go()
    assert problem(sight, Field.ROOM) == "An invitation is no room's name: copy all of it, and join by it."
    assert not sight.relay.asked


def test_an_invitation_to_where_one_is_shows_the_room(sight: Sight) -> None:
    conversation = sight.enter()
    sight.enter("other")
    sight.window.open_invite(parse_invite("chat://relay.example/demo"))
    assert sight.window.current is conversation


def test_coming_to_where_one_is_already_shows_the_room(sight: Sight) -> None:
    conversation = sight.enter()
    sight.window.show_start()
    sight.fill(Mode.JOIN)
    sight.go()
    assert sight.window.current is conversation
    assert sight.window.centre.currentWidget() is sight.window.chat
    assert conversation.presence is Presence.HERE


def test_at_the_first_start_the_server_is_the_one_that_the_terminal_takes(sight: Sight) -> None:
    assert sight.window.start.form.address.text() == "127.0.0.1"


def test_an_empty_server_is_asked_for(sight: Sight) -> None:
    sight.fill(Mode.JOIN, server="")
    sight.go()
    assert problem(sight, Field.SERVER) == "Enter the relay's address."


def test_another_room_is_written_over_the_one_before(sight: Sight) -> None:
    sight.fill(Mode.JOIN)
    sight.go()
    sight.window.rooms.new.click()
    sight.look()
    form = sight.window.start.form
    assert form.room.hasFocus()
    assert form.room.selectedText() == "demo"


def test_a_tab_that_is_chosen_leads_to_the_first_field_that_is_empty(sight: Sight) -> None:
    form = sight.window.start.form
    for field in (form.room, form.address, form.name):
        sight.fill(Mode.JOIN)
        field.clear()
        form.go.setFocus()
        form._buttons[Mode.CREATE].click()
        assert form.mode is Mode.CREATE
        assert field.hasFocus()


KEY = RoomKey(bytes(range(16)))


@pytest.mark.requirement("SEAL-01", "SEAL-03")
def test_a_room_is_sealed_if_one_wants(sight: Sight) -> None:
    form = sight.window.start.form
    sight.fill(Mode.JOIN)
    assert not form.sealed.isVisible()
    sight.fill(Mode.CREATE)
    assert form.sealed.isVisible()
    form.sealed.setChecked(True)
    sight.relay.limit = 400
    sight.go()
    assert sight.window.current
    key = sight.window.current.entry.key
    assert key
    assert f"Sealed, key {key.fingerprint}" in sight.window.chat.bar.state.text()
    sight.window.chat.copy_invite()
    assert parse_invite(QApplication.clipboard().text()).key == key
    sight.look()
    assert "which isn't shown here" in sight.text
    assert key.text not in sight.text


@pytest.mark.requirement("SEAL-02", "SEAL-04")
def test_an_invitation_with_a_key_opens_the_room_and_no_other(sight: Sight) -> None:
    sight.relay.limit = 400
    sight.window.open_invite(parse_invite(f"chat://relay.example/demo#k={KEY.text}"))
    sight.window.start.form.name.setText("ann")
    assert KEY.text not in sight.window.start.form.address.text()
    sight.go()
    assert sight.window.current
    assert sight.window.current.entry.key == KEY
    sight.hear(f"bob: {Sealer(KEY, 'demo', 'bob', bytes(8)).seal('hello').text}", "bob: in the clear")
    assert "hello" in sight.text
    assert "in the clear" not in sight.text
    sight.window.show_start()
    sight.fill(Mode.JOIN, room="other")
    sight.go()
    assert sight.window.current.entry.key is None


def test_an_invitation_with_a_key_is_not_answered_by_a_room_without(sight: Sight) -> None:
    conversation = sight.enter()
    sight.window.open_invite(parse_invite("chat://relay.example/demo"))
    assert sight.window.current is conversation
    sight.window.open_invite(parse_invite(f"chat://relay.example/demo#k={KEY.text}"))
    assert sight.window.centre.currentWidget() is sight.window.start
