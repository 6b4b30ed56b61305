"""What the window shows of one's own messages: whether the relay has them, and what can be done."""

from PySide6.QtCore import QEvent
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from chatproto import Disconnected, EvictionReason, Status
from services.messenger.desktop.sight import Sight


def test_the_mark_beside_ones_own_message_and_the_banner_say_what_was_not_delivered(sight: Sight) -> None:
    sight.enter()
    sight.relay.refusal = "muted"
    sight.type("one")
    assert sight.banner == "1 message was not delivered (you are muted)."
    transcript = sight.window.chat.area.transcript
    lost = transcript.viewport().grab().toImage()
    sight.relay.refusal = ""
    sight.press("Send again")
    assert sight.banner == ""
    assert sight.relay.words.count("one") == 2
    taken = transcript.viewport().grab().toImage()
    assert taken != lost
    place = transcript.cursorRect(transcript.textCursor()).center()
    hover = QHelpEvent(QEvent.Type.ToolTip, place, transcript.viewport().mapToGlobal(place))
    QApplication.sendEvent(transcript.viewport(), hover)
    assert QToolTip.text() == "Taken by the relay"


def test_an_attempt_to_come_back_can_be_made_at_once_and_what_was_written_meanwhile_is_sent(sight: Sight) -> None:
    sight.enter()
    sight.relay.verdict = None
    sight.happen(Disconnected(EvictionReason.SILENCE))
    sight.pass_time(100)
    sight.type("hello")
    assert "hello" not in sight.relay.words
    sight.relay.verdict = Status.OK
    sight.press("Try now")
    sight.pass_time(0)
    assert sight.banner == ""
    assert "hello" in sight.relay.words
