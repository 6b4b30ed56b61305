import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication

from chatproto import Command, HostChanged
from messenger.desktop.actions import Do
from messenger.desktop.menus import PersonMenu, room_menu
from services.messenger.core.fake_relay import listing
from services.messenger.desktop.sight import Sight

LISTED = listing("ann (host)", "bob", "carol (muted)")


def menu_of(sight: Sight, row: int) -> PersonMenu:
    listed = sight.window.members.list
    person = sight.current.people[row]
    menu = sight.window.chat.open_person_menu(person, listed.mapToGlobal(QPoint(5, 5)))
    assert menu
    menu.close()
    return menu


@pytest.fixture
def host(sight: Sight) -> Sight:
    sight.enter(create=True)
    sight.happen(LISTED)
    return sight


@pytest.mark.parametrize("way", ["quit", "close", "/leave", "leave", "remove"])
def test_a_host_who_is_not_alone_is_asked_before_the_room_closes(host: Sight, way: str) -> None:
    acts = {
        "quit": host.action(Do.QUIT).trigger,
        "close": host.window.close,
        "/leave": lambda: host.type("/leave"),
        "leave": host.action(Do.LEAVE).trigger,
        "remove": host.action(Do.REMOVE).trigger,
    }
    acts[way]()
    assert host.window.isVisible()
    assert host.relay.words[-1] != "/leave"
    assert "closes for everybody" in host.agree()
    assert host.relay.words[-1] == "/leave"
    assert host.window.isVisible() is (way not in {"quit", "close"})


def test_members_are_listed_with_the_host_first_and_who_is_muted(host: Sight) -> None:
    assert host.members == ["ann, host", "bob", "carol, muted"]
    assert host.window.members.title.text() == "3 members"


def test_who_is_too_many_to_be_listed_is_counted(host: Sight) -> None:
    host.happen(listing("ann (host)", "bob", total=900))
    assert host.members == ["ann, host", "bob"]
    assert host.window.members.title.text() == "900 members"


@pytest.mark.parametrize(
    ("command", "question"),
    [(Command.KICK, "Remove bob"), (Command.BAN, "ban the name"), (Command.HOST, "Make bob the host")],
)
def test_the_host_is_asked_before_somebody_is_taken_out(host: Sight, command: Command, question: str) -> None:
    menu_of(host, 1).commands[command].trigger()
    assert f"/{command} bob" not in host.relay.words
    assert question in host.agree()
    assert host.relay.words[-1] == f"/{command} bob"


def test_the_host_mutes_and_unmutes(host: Sight) -> None:
    menu_of(host, 1).commands[Command.MUTE].trigger()
    assert host.relay.words[-1] == "/mute bob"
    menu_of(host, 2).commands[Command.UNMUTE].trigger()
    assert host.relay.words[-1] == "/unmute carol"


def test_whose_name_has_a_comma_is_one_person(host: Sight) -> None:
    host.happen(listing("ann (host)", "Doe, John (muted)"))
    assert host.members == ["ann, host", "Doe, John, muted"]
    menu_of(host, 1).commands[Command.UNMUTE].trigger()
    assert host.relay.words[-1] == "/unmute Doe, John"


def test_nobody_moderates_oneself(host: Sight) -> None:
    assert menu_of(host, 0).commands == {}


def test_who_is_no_host_has_no_such_menu(host: Sight) -> None:
    host.happen(HostChanged("bob"))
    assert menu_of(host, 1).commands == {}
    shown = room_menu(host.current, host.window.actions_by_name, host.window)
    assert host.action(Do.TOPIC) not in shown.actions()
    assert host.action(Do.WHO) in shown.actions()


def test_a_relay_that_obeys_nothing_is_asked_for_nothing(sight: Sight) -> None:
    sight.relay.moderation = False
    sight.enter(create=True)
    sight.hear("bob: hi")
    assert menu_of(sight, 1).commands == {}
    shown = room_menu(sight.current, sight.window.actions_by_name, sight.window)
    assert host_actions(sight).isdisjoint(shown.actions())
    assert sight.window.members.hint.isVisible()


def host_actions(sight: Sight) -> set[object]:
    return {sight.action(done) for done in (Do.TOPIC, Do.PASSWORD, Do.REMOVE_PASSWORD, Do.BANNED, Do.UNBAN, Do.WHO)}


def test_the_host_has_menus_for_the_room(host: Sight) -> None:
    shown = room_menu(host.current, host.window.actions_by_name, host.window)
    assert host_actions(host) <= set(shown.actions())


def test_the_topic_is_set(host: Sight) -> None:
    host.action(Do.TOPIC).trigger()
    host.answer("tea & cake")
    assert host.relay.words[-1] == "/topic tea & cake"
    host.action(Do.TOPIC).trigger()
    host.answer(" ")
    assert host.relay.words[-1] == "/topic -"


def test_the_password_is_set_unseen_and_removed(host: Sight) -> None:
    host.action(Do.PASSWORD).trigger()
    host.answer("sesame")
    assert host.relay.words[-1] == "/password sesame"
    assert "sesame" not in host.text
    host.type("/password")
    host.answer("")
    assert "The password is empty" in host.text
    host.action(Do.REMOVE_PASSWORD).trigger()
    assert host.relay.words[-1] == "/password -"


def test_bans_are_listed_and_lifted(host: Sight) -> None:
    host.action(Do.BANNED).trigger()
    assert host.relay.words[-1] == "/unban"
    host.action(Do.UNBAN).trigger()
    host.answer("bob")
    assert host.relay.words[-1] == "/unban bob"


def test_somebody_is_mentioned_and_the_name_copied(host: Sight) -> None:
    menu = menu_of(host, 1)
    menu.mention.trigger()
    assert host.window.chat.composer.text == "bob: "
    menu.copy_name.trigger()
    assert QApplication.clipboard().text() == "bob"


def test_the_menu_key_opens_the_menu_of_who_is_chosen(host: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    window = host.window
    window.members.menu_wanted.connect(lambda person, _at: opened.append(person.name))
    monkeypatch.setattr(PersonMenu, "popup", lambda *_: None)
    window.members.list.setCurrentRow(2)
    outside = QPoint(10, window.members.list.height() - 5)
    at = window.members.list.mapToGlobal(outside)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, outside, at)
    QApplication.sendEvent(window.members.list.viewport(), event)
    assert opened == ["carol"]


def test_enter_mentions_who_is_chosen(host: Sight) -> None:
    host.window.members.list.itemActivated.emit(host.window.members.list.item(1))
    assert host.window.chat.composer.text == "bob: "


def test_a_room_has_its_menu_in_the_list(host: Sight) -> None:
    host.enter("other")
    host.window.rooms.menu_wanted.emit(host.messenger.conversations[0], QPoint(0, 0))
    assert host.window.current is host.messenger.conversations[0]
    menu = QApplication.activePopupWidget()
    assert menu
    menu.close()
    assert host.window.rooms.list.contextMenuPolicy() is Qt.ContextMenuPolicy.CustomContextMenu


def test_one_ignores_somebody_and_takes_it_back(sight: Sight) -> None:
    sight.enter()
    sight.happen(listing("bob (host)", "ann", "eve"))
    ignore = menu_of(sight, 2).ignore
    assert ignore
    ignore.trigger()
    sight.look()
    assert "You no longer see what eve says" in sight.text
    assert sight.members == ["bob, host", "ann", "eve, ignored"]
    sight.hear("eve: buy!", "bob: hello")
    assert "hello" in sight.text
    assert "buy!" not in sight.text
    ignore = menu_of(sight, 2).ignore
    assert ignore
    assert ignore.text() == "Stop i&gnoring"
    ignore.trigger()
    sight.hear("eve: sorry")
    assert "sorry" in sight.text


def test_nobody_ignores_oneself(host: Sight) -> None:
    assert menu_of(host, 0).ignore is None
