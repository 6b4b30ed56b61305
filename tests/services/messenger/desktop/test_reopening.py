"""Rooms that are opened again at the start, and bookmarks."""

from pathlib import Path

from messenger.desktop.actions import Do
from messenger.desktop.theme import Theme
from services.messenger.core.fake_relay import entry, listing
from services.messenger.desktop.sight import Sight


def test_rooms_are_opened_again_where_one_was_at_the_end(sight: Sight) -> None:
    sight.window.reopen()
    for room in ("tea", "garden", "left"):
        sight.recents.remember(entry(room))
        sight.enter(room)
    sight.action(Do.REMOVE).trigger()
    sight.window.close()
    sight.messenger.conversations.clear()
    window = sight.open_window()
    assert sight.rooms == []
    window.reopen()
    sight.look()
    assert sight.rooms == ["garden", "tea"]
    assert window.current is sight.messenger.conversations[0]
    assert not sight.recents.take_open(), "another window doesn't come in as well"


def test_they_are_those_of_the_end_not_of_the_question_before_it(sight: Sight) -> None:
    sight.window.reopen()
    for room in ("tea", "garden"):
        sight.recents.remember(entry(room))
        sight.enter(room, create=True)
    sight.happen(listing("ann (host)", "bob"))
    sight.window.close()
    assert not sight.recents.take_open()
    assert "closes for everybody" in sight.agree()
    assert [recent.room for recent in sight.recents.take_open()] == ["garden", "tea"]


def test_a_window_of_its_own_changes_nothing(sight: Sight) -> None:
    sight.recents.remember(entry("tea"))
    sight.recents.keep_open([entry("tea")])
    sight.enter("garden")
    sight.window.close()
    assert [recent.room for recent in sight.recents.take_open()] == ["tea"]


def test_a_bookmark_is_offered_by_its_name(sight: Sight) -> None:
    sight.enter("tea")
    sight.action(Do.BOOKMARK).trigger()
    assert sight.answer("Five o'clock")
    assert "Bookmarked as Five o'clock." in sight.text
    sight.window.show_start()
    listed = sight.window.start.list
    assert listed.item(0).text() == "★ Five o'clock"
    listed.itemActivated.emit(listed.item(0))
    assert sight.window.start.form.room.text() == "tea"
    sight.window.show_conversation(sight.messenger.conversations[0])
    sight.type("/bookmark -")
    assert "The bookmark is removed." in sight.text
    sight.window.show_start()
    assert listed.item(0).text() == "tea"


def test_a_damaged_list_of_rooms_is_said(theme: Theme, tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat" / "recents.json").write_text("{")
    sight = Sight(theme, tmp_path)
    notice = sight.window.start.banner.notice
    assert notice
    assert notice.what.startswith("The list of recent rooms is damaged")
    sight.end()
