import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from messenger.desktop.composer import MAX_ROWS, Composer, Words
from services.messenger.core.fake_relay import listing
from services.messenger.desktop.sight import Sight


@pytest.fixture
def composer(sight: Sight) -> Composer:
    sight.enter(create=True)
    composer = sight.window.chat.composer
    composer.words.setFocus()
    return composer


def keys(words: Words, *pressed: Qt.Key) -> None:
    for key in pressed:
        QTest.keyClick(words, key)


def test_enter_sends(sight: Sight, composer: Composer) -> None:
    QTest.keyClicks(composer.words, "hello")
    keys(composer.words, Qt.Key.Key_Return)
    sight.look()
    assert sight.relay.words[-1] == "hello"
    assert composer.text == ""
    assert "hello" in sight.text


def test_shift_and_enter_begin_a_line(sight: Sight, composer: Composer) -> None:
    QTest.keyClicks(composer.words, "one")
    QTest.keyClick(composer.words, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(composer.words, "two")
    assert composer.text == "one\ntwo"
    keys(composer.words, Qt.Key.Key_Enter)
    assert sight.relay.words[-1] == "one\ntwo"


def test_the_button_sends_too_but_nothing_empty(sight: Sight, composer: Composer) -> None:
    assert not composer.send.isEnabled()
    composer.put("   ")
    assert not composer.send.isEnabled()
    keys(composer.words, Qt.Key.Key_Return)
    composer.put("hi")
    composer.send.click()
    assert sight.relay.words[-1:] == ["hi"]


def test_the_field_grows_with_what_is_typed_up_to_a_limit(composer: Composer) -> None:
    heights = []
    for lines in (1, 3, MAX_ROWS, MAX_ROWS + 10):
        composer.put("\n".join("x" * lines))
        QApplication.processEvents()
        heights.append(composer.words.height())
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_bytes_are_counted_near_the_limit(sight: Sight, composer: Composer) -> None:
    assert composer.limit_bytes == 100
    composer.put("x" * 79)
    assert not composer.counter.isVisible()
    composer.put("あ" * 27)
    assert composer.counter.isVisible()
    assert composer.counter.text() == "81 of 100 bytes"
    composer.put("x" * 101)
    assert composer.counter.text() == "1 byte too long"
    assert not composer.send.isEnabled()
    composer.put("あ" * 50)
    assert composer.counter.text() == "50 bytes too long"
    keys(composer.words, Qt.Key.Key_Return)
    sight.look()
    assert composer.text == "あ" * 50, "what can't be sent stays"
    assert "The message has 150 bytes" in sight.text
    assert sight.relay.words[-1] == "/who"


def test_a_doubled_slash_is_one_byte_less(composer: Composer) -> None:
    composer.put("//" + "x" * 99)
    assert composer.counter.text() == "100 of 100 bytes"


def test_tab_completes_names(sight: Sight, composer: Composer) -> None:
    sight.happen(listing("ann (host)", "bob", "bonnie", "さくら"))
    QTest.keyClicks(composer.words, "bo")
    keys(composer.words, Qt.Key.Key_Tab)
    assert composer.text == "bob: "
    assert composer.hint.text() == "[bob]  bonnie"
    keys(composer.words, Qt.Key.Key_Tab)
    assert composer.text == "bonnie: "
    keys(composer.words, Qt.Key.Key_Backtab)
    assert composer.text == "bob: "
    QTest.keyClicks(composer.words, "hi ")
    composer.words.insertPlainText("さ")  # as an input method does
    assert composer.hint.text() == ""
    keys(composer.words, Qt.Key.Key_Tab)
    assert composer.text == "bob: hi さくら "
    assert composer.words.hasFocus()


def test_tab_completes_commands_before_the_cursor_alone(composer: Composer) -> None:
    QTest.keyClicks(composer.words, "/ki")
    composer.words.insertPlainText(" tail")
    keys(composer.words, *[Qt.Key.Key_Left] * 5, Qt.Key.Key_Tab)
    assert composer.text == "/kick  tail"


def test_tab_goes_on_where_there_is_nothing_to_complete(composer: Composer) -> None:
    QTest.keyClicks(composer.words, "hello ")
    keys(composer.words, Qt.Key.Key_Tab)
    assert not composer.words.hasFocus()
    assert composer.text == "hello "


def test_up_brings_back_what_was_typed(sight: Sight, composer: Composer) -> None:
    for text in ("one", "two"):
        sight.type(text)
    keys(composer.words, Qt.Key.Key_Up, Qt.Key.Key_Up)
    assert composer.text == "one"
    keys(composer.words, Qt.Key.Key_Down)
    assert composer.text == "two"
    keys(composer.words, Qt.Key.Key_Down)
    assert composer.text == ""


def test_up_never_takes_away_what_is_being_typed(sight: Sight, composer: Composer) -> None:
    sight.type("before")
    QTest.keyClicks(composer.words, "new")
    keys(composer.words, Qt.Key.Key_Up, Qt.Key.Key_Down)
    assert composer.text == "new"


def test_an_input_method_composes(sight: Sight, composer: Composer) -> None:
    event = QInputMethodEvent("にほん", [])
    QApplication.sendEvent(composer.words, event)
    assert composer.text == ""
    composed = composer.words.viewport().grab().toImage()
    invitation = composer.words.placeholderText()
    composer.words.setPlaceholderText("")
    assert composer.words.viewport().grab().toImage() == composed, "what invites to write shines through"
    assert not invitation
    event = QInputMethodEvent()
    event.setCommitString("日本")
    QApplication.sendEvent(composer.words, event)
    assert composer.text == "日本"
    assert composer.words.placeholderText()
    keys(composer.words, Qt.Key.Key_Return)
    assert sight.relay.words[-1] == "日本"


def test_pages_are_turned_among_the_messages(sight: Sight, composer: Composer) -> None:
    sight.hear(*(f"bob: message {number}" for number in range(60)))
    bar = sight.window.chat.area.transcript.verticalScrollBar()
    keys(composer.words, Qt.Key.Key_PageUp)
    assert bar.value() < bar.maximum()
    keys(composer.words, Qt.Key.Key_PageDown)
    assert bar.value() == bar.maximum()


def test_what_is_typed_stays_with_its_room(sight: Sight, composer: Composer) -> None:
    composer.put("for demo")
    sight.enter("other")
    assert composer.text == ""
    composer.put("for other")
    for conversation, text in zip(sight.messenger.conversations, ("for demo", "for other"), strict=True):
        sight.window.show_conversation(conversation)
        assert composer.text == text


def test_in_what_came_back_up_goes_through_its_own_rows_first(sight: Sight, composer: Composer) -> None:
    sight.type("earlier")
    sight.type("one\ntwo")
    keys(composer.words, Qt.Key.Key_Up, Qt.Key.Key_Up)
    assert composer.text == "one\ntwo"
    keys(composer.words, Qt.Key.Key_Up)
    assert composer.text == "earlier"


def test_an_unknown_command_is_there_to_be_typed_over(sight: Sight) -> None:
    sight.enter()
    sight.type("/quack")
    assert sight.window.chat.composer.words.textCursor().selectedText() == "/quack"


def test_control_end_leads_to_the_newest_message_while_one_types(sight: Sight) -> None:
    sight.enter()
    sight.hear(*(f"bob: {number}" for number in range(200)))
    transcript = sight.window.chat.area.transcript
    bar = transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    sight.look()
    assert not transcript.following
    words = sight.window.chat.composer.words
    words.setFocus()
    words.insertPlainText("two\nlines")
    QTest.keyClick(words, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    sight.look()
    assert transcript.following
