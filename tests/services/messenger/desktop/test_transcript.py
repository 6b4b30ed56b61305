from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDesktopServices, QFontDatabase, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from messenger.core.conversation import Conversation
from messenger.core.history import MAX_LINES, Kind, Line
from messenger.desktop.actions import Do
from messenger.desktop.bubbles import spans_of
from messenger.desktop.rows import Shape
from messenger.desktop.transcript import (
    FEW_CHARACTERS,
    FEW_LINES,
    MANY_LINES,
    MOST_LINES,
    STEP_LINES,
    Transcript,
    open_link,
)
from messenger.desktop.typesetter import CODE, QUOTE, blocks, number_of, shape_of
from services.messenger.core.fake_relay import NOON
from services.messenger.desktop.sight import Sight


def fill(conversation: Conversation, count: int, *, minutes: float = 0.0) -> None:
    """Have much said at once, without a relay."""
    for number in range(count):
        at = NOON + timedelta(minutes=minutes * number)
        conversation.history.add(Line(Kind.MESSAGE, at, f"message {conversation.history.end}", "bob"))


def numbers(transcript: Transcript) -> list[int]:
    """Return which lines are set."""
    return sorted({number_of(block) for block in blocks(transcript.document().begin())})


def shapes(transcript: Transcript) -> list[Shape]:
    return [shape_of(block) for block in blocks(transcript.document().begin())]


def topmost(transcript: Transcript) -> tuple[str, int]:
    """Return what is looked at, and where it stands."""
    cursor = transcript.cursorForPosition(QPoint(0, 0))
    return cursor.block().text(), transcript.cursorRect(QTextCursor(cursor.block())).top()


def scroll_back(sight: Sight, to: float = 0.5) -> Transcript:
    transcript = sight.window.chat.area.transcript
    bar = transcript.verticalScrollBar()
    bar.setValue(round(bar.maximum() * to))
    sight.look()
    assert not transcript.following
    return transcript


@pytest.fixture
def transcript(sight: Sight) -> Transcript:
    """Look at a room in which much was said."""
    fill(sight.enter(), 300)
    sight.look()
    transcript = sight.window.chat.area.transcript
    transcript.jump()
    return transcript


def test_only_the_newest_lines_are_set_and_followed(sight: Sight, transcript: Transcript) -> None:
    end = sight.current.history.end
    assert numbers(transcript) == list(range(end - FEW_LINES, end))
    bar = transcript.verticalScrollBar()
    assert transcript.following
    assert bar.value() == bar.maximum() > 0
    sight.hear("bob: the newest")
    assert bar.value() == bar.maximum()
    assert transcript.toPlainText().endswith("the newest")


def test_while_the_newest_are_followed_the_oldest_are_taken_out(sight: Sight, transcript: Transcript) -> None:
    for _ in range(5):
        fill(sight.current, STEP_LINES)
        sight.look()
    set_lines = numbers(transcript)
    assert MANY_LINES - STEP_LINES <= len(set_lines) <= MANY_LINES
    assert set_lines == list(range(set_lines[0], sight.current.history.end))


def test_after_a_flood_only_the_newest_are_set(sight: Sight, transcript: Transcript) -> None:
    fill(sight.current, 3 * MAX_LINES)
    sight.look()
    end = sight.current.history.end
    assert numbers(transcript) == list(range(end - FEW_LINES, end))


def test_what_is_looked_at_stays_put_while_more_comes(sight: Sight, transcript: Transcript) -> None:
    scroll_back(sight)
    before = topmost(transcript)
    for _ in range(20):
        sight.hear("bob: one more", "carol: and\nanother")
    assert topmost(transcript) == before


def test_going_back_loads_all_of_the_history_and_nothing_jumps(transcript: Transcript) -> None:
    bar = transcript.verticalScrollBar()
    for _ in range(100):
        bar.setValue(transcript.viewport().height() + 1)
        before = topmost(transcript)
        bar.setValue(transcript.viewport().height() - 1)
        after = topmost(transcript)
        assert after[0] == before[0]
        assert after[1] == before[1] + 2
        if numbers(transcript)[0] == 0:
            break
    else:
        pytest.fail("The first line was never loaded.")
    bar.setValue(0)
    assert "You are in demo" in topmost(transcript)[0] or shapes(transcript)[0] is Shape.DAY


def test_far_from_what_is_looked_at_nothing_is_kept(sight: Sight, transcript: Transcript) -> None:
    fill(sight.current, 5000)
    sight.look()
    bar = transcript.verticalScrollBar()
    for _ in range(4 * MOST_LINES // STEP_LINES):
        bar.setValue(0)
    set_lines = numbers(transcript)
    assert len(set_lines) <= MOST_LINES
    assert set_lines == list(range(set_lines[0], set_lines[-1] + 1))
    for _ in range(8 * MOST_LINES // STEP_LINES):
        bar.setValue(bar.maximum())
    assert transcript.following
    assert numbers(transcript)[-1] == sight.current.history.end - 1
    assert transcript.toPlainText().endswith(sight.current.history[sight.current.history.end - 1].text)


def test_a_button_tells_how_much_is_new_below_and_leads_there(sight: Sight, transcript: Transcript) -> None:
    newest = sight.window.chat.area.newest
    assert not newest.isVisible()
    scroll_back(sight)
    assert newest.text() == "Newest messages"
    sight.hear("bob: one")
    assert newest.text() == "1 new message"
    sight.hear("bob: two")
    assert newest.text() == "2 new messages"
    newest.click()
    sight.look()
    assert transcript.following
    assert not newest.isVisible()
    assert sight.current.unread == 0


def test_a_mark_stands_before_what_came_while_one_looked_away(sight: Sight) -> None:
    conversation = sight.enter()
    sight.hear("bob: seen")
    other = sight.look_away()
    sight.hear("bob: new", "bob: newer")
    transcript = sight.window.chat.area.transcript
    assert shapes(transcript).count(Shape.MARK) == 1
    text = transcript.toPlainText()
    assert text.index("seen") < text.index("New messages") < text.index("new\n") < text.index("newer")
    sight.look_back()
    other.close()
    assert shapes(transcript).count(Shape.MARK) == 1
    assert conversation.unread == 0
    sight.type("hello")
    assert Shape.MARK not in shapes(transcript)


def test_a_new_mark_takes_the_place_of_the_old_one(sight: Sight) -> None:
    sight.enter()
    for text in ("first", "second"):
        other = sight.look_away()
        sight.hear(f"bob: {text}")
        sight.look_back()
        other.close()
    transcript = sight.window.chat.area.transcript
    assert shapes(transcript).count(Shape.MARK) == 1
    text = transcript.toPlainText()
    assert text.index("first") < text.index("New messages") < text.index("second")


def test_in_a_room_with_much_that_is_new_reading_begins_at_the_mark(sight: Sight) -> None:
    sight.enter()
    sight.enter("other")
    sight.hear(*(f"bob: message {number}" for number in range(60)), link=0)
    assert sight.messenger.conversations[0].unread == 60
    sight.window.show_conversation(sight.messenger.conversations[0])
    sight.look()
    transcript = sight.window.chat.area.transcript
    mark = next(block for block in blocks(transcript.document().begin()) if shape_of(block) is Shape.MARK)
    assert 0 <= transcript.cursorRect(QTextCursor(mark)).top() < transcript.viewport().height()
    assert not transcript.following
    assert sight.window.chat.area.newest.text() == "60 new messages"


def test_one_comes_back_to_where_one_was_in_a_room(sight: Sight, transcript: Transcript) -> None:
    first = sight.current
    scroll_back(sight)
    before = topmost(transcript)
    sight.enter("other")
    sight.window.show_conversation(first)
    sight.look()
    assert topmost(transcript) == before


def test_resizing_keeps_to_what_is_looked_at(sight: Sight, transcript: Transcript) -> None:
    scroll_back(sight)
    before = topmost(transcript)[0]
    for width in (500, 360, 1200, 1040):
        sight.window.resize(width, 700)
        sight.look()
        assert topmost(transcript)[0] == before
    transcript.jump()
    sight.window.resize(500, 500)
    sight.look()
    assert transcript.verticalScrollBar().value() == transcript.verticalScrollBar().maximum()


HOSTILE = '<b>bold</b><img src="file:///etc/passwd"><a href="javascript:alert(1)">x</a> &amp; <!-- '


def test_text_of_others_is_text(sight: Sight) -> None:
    sight.enter()
    sight.hear(f"<i>bob</i>: {HOSTILE}", "\x1b[31mred\u202eevil\u2066: \x07bell\x00 \u202eback")
    assert HOSTILE.strip() in sight.text
    assert "<i>bob</i>" in sight.text
    assert not set("\x1b\u202e\u2066\x07\x00") & set(sight.text)


def test_a_name_cannot_be_markup_anywhere(sight: Sight) -> None:
    conversation = sight.enter("<h1>room</h1>", name="<u>ann</u>", create=True)
    sight.hear("<s>bob</s>: hi")
    assert sight.rooms == ["<h1>room</h1>"]
    assert sight.window.chat.bar.title.text() == "<h1>room</h1>"
    assert sight.window.chat.bar.title.textFormat() is Qt.TextFormat.PlainText
    assert sight.window.chat.bar.state.textFormat() is Qt.TextFormat.PlainText
    assert "<u>ann</u>, host" in sight.members
    assert conversation.title in sight.window.windowTitle()


def test_text_is_copied_across_messages_as_plain_text(sight: Sight) -> None:
    sight.enter()
    sight.hear("bob: <b>one</b>\nand more", "bob: two")
    transcript = sight.window.chat.area.transcript
    transcript.selectAll()
    transcript.copy()
    copied = QApplication.clipboard().mimeData()
    assert "bob  12:00\n<b>one</b>\nand more\ntwo" in copied.text()
    assert not copied.hasHtml()


def test_links_are_opened_by_the_desktop(sight: Sight, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    sight.enter()
    sight.hear("bob: https://example.org/a?b=c")
    transcript = sight.window.chat.area.transcript
    cursor = transcript.document().find("example")
    place = transcript.cursorRect(cursor).center()
    assert transcript.anchorAt(place) == "https://example.org/a?b=c"
    QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened == ["https://example.org/a?b=c"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "ftp://example.org", "smb://x", "chat:x"])
def test_nothing_but_web_addresses_is_opened(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    open_link(QUrl(url))
    assert opened == []


def test_a_long_message_is_wrapped(sight: Sight) -> None:
    sight.relay.limit = 5000
    sight.enter()
    sight.hear("bob: " + "x" * 4000)
    transcript = sight.window.chat.area.transcript
    assert transcript.horizontalScrollBar().maximum() == 0
    assert transcript.document().size().width() <= transcript.viewport().width()


def test_days_are_parted(sight: Sight) -> None:
    fill(sight.enter(), 5, minutes=24 * 60)
    sight.look()
    transcript = sight.window.chat.area.transcript
    assert shapes(transcript).count(Shape.DAY) == 5
    assert "Saturday, January 3, 2026" in sight.text


def test_dark_and_light_show_the_same(sight: Sight, transcript: Transcript) -> None:
    scroll_back(sight)
    before = topmost(transcript)[0]
    QApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    try:
        assert topmost(transcript)[0] == before
    finally:
        QApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)


def test_of_the_longest_lines_fewer_are_set_and_the_others_come_when_one_goes_there(sight: Sight) -> None:
    conversation = sight.enter()
    for _ in range(FEW_LINES):
        conversation.history.add(Line(Kind.MESSAGE, NOON, "x" * 4000, "bob"))
    transcript = sight.window.chat.area.transcript
    transcript.jump()
    assert len(numbers(transcript)) == FEW_CHARACTERS // 4003 + 1
    transcript.verticalScrollBar().setValue(0)
    assert len(numbers(transcript)) > FEW_CHARACTERS // 4003 + 1


def test_code_is_set_apart_without_its_signs(sight: Sight) -> None:
    sight.enter()
    sight.hear("bob: use `make run`, or\n```\nx = 1\ny = 2\n```\nthen go")
    transcript = sight.window.chat.area.transcript
    last = transcript.document().lastBlock()
    assert last.text() == "use make run, or\u2028x = 1\u2028y = 2\u2028then go"
    (span,) = spans_of(last, CODE)
    assert last.text()[slice(*span)] == "x = 1\u2028y = 2"
    fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    for code in ("make run", "y = 2"):
        assert transcript.document().find(code).charFormat().font().family() == fixed
    assert transcript.document().find("then go").charFormat().font().family() != fixed


def test_a_quotation_is_set_apart_without_its_sign(sight: Sight) -> None:
    sight.enter()
    sight.hear("bob: > ann: see https://example.com\nyes")
    last = sight.window.chat.area.transcript.document().lastBlock()
    assert last.text() == "ann: see https://example.com\u2028yes"
    quoted = {number for span in spans_of(last, QUOTE) for number in range(*span)}
    assert quoted == set(range(last.text().index("\u2028")))


def test_one_replies_by_a_key_or_the_menu_of_a_message(sight: Sight) -> None:
    sight.enter()
    sight.hear("bob: tea?", "eve: coffee!")
    composer = sight.window.chat.composer
    composer.put("yes")
    sight.action(Do.REPLY).trigger()
    assert composer.text == "> eve: coffee!\nyes"
    sight.action(Do.REPLY).trigger()
    assert composer.text == "> bob: tea?\nyes"
    transcript = sight.window.chat.area.transcript
    place = transcript.cursorRect(transcript.document().find("coffee")).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, transcript.viewport().mapToGlobal(place))
    QApplication.sendEvent(transcript.viewport(), event)
    (menu,) = (each for each in transcript.findChildren(QMenu) if each.isVisible())
    menu.actions()[0].trigger()
    menu.close()
    assert composer.text == "> eve: coffee!\nyes"
    QTest.keyClick(composer.words, Qt.Key.Key_Return)
    assert sight.relay.words[-1] == "> eve: coffee!\nyes"


def marked(transcript: Transcript) -> list[str]:
    return [selection.cursor.selectedText() for selection in transcript.extraSelections()]


def test_one_searches_in_what_was_said(sight: Sight, transcript: Transcript) -> None:
    bar = sight.window.chat.search
    assert not bar.isVisible()
    sight.action(Do.SEARCH).trigger()
    assert bar.field.hasFocus()
    QTest.keyClicks(bar.field, "MESSAGE 7")
    assert (bar.count.text(), marked(transcript)) == ("1 of 11", ["message 7"])
    assert not transcript.following
    QTest.keyClick(bar.field, Qt.Key.Key_Return)
    sight.look()
    assert bar.count.text() == "2 of 11"
    (selection,) = transcript.extraSelections()
    assert selection.cursor.block().text() == "message 78"
    assert 0 <= transcript.cursorRect(selection.cursor).top() < transcript.viewport().height()
    QTest.keyClick(bar.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    bar.older.click()
    bar.newer.click()
    assert bar.count.text() == "1 of 11"
    QTest.keyClicks(bar.field, "x")
    assert (bar.count.text(), marked(transcript)) == ("not found", [])
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    assert sight.window.chat.composer.words.hasFocus()


def test_in_another_room_the_search_is_over(sight: Sight, transcript: Transcript) -> None:
    sight.action(Do.SEARCH).trigger()
    QTest.keyClicks(sight.window.chat.search.field, "message 299")
    assert marked(transcript) == ["message 299"]
    sight.enter("other")
    assert not sight.window.chat.search.isVisible()
    assert not marked(transcript)
