"""The window in Japanese: every text of it, and Qt's own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QTranslator
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QMenu, QWidget

from chatproto import Disconnected, EvictionReason, Status
from messenger.desktop.app import speak
from messenger.desktop.dialogs import HelpDialog
from messenger.desktop.form import Mode
from messenger.desktop.theme import Theme
from messenger.presentation.i18n import use_language
from services.messenger.core.fake_relay import listing
from services.messenger.desktop.sight import Sight

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
ENGLISH = re.compile(r"[a-z]{3,}|[A-Z][a-z]+")
KEYS = re.compile(r"\b(Ctrl|Shift|Alt|Enter|Return|Tab|Esc|PgUp|PgDown|PageUp|PageDown|F\d+|Up|Down|End)\b")


@pytest.fixture
def sight(theme: Theme, tmp_path: Path, qapp: QApplication) -> Iterator[Sight]:
    use_language("ja")
    speak(qapp)
    sight = Sight(theme, tmp_path)
    yield sight
    sight.end()
    use_language("en")
    for translator in qapp.findChildren(QTranslator):
        qapp.removeTranslator(translator)
        translator.deleteLater()
    speak(qapp)


def texts(widget: QWidget) -> Iterator[str]:
    yield from (widget.accessibleName(), widget.accessibleDescription(), widget.toolTip())
    if isinstance(widget, QAbstractButton | QLabel):
        yield widget.text()
    if isinstance(widget, QLineEdit):
        yield widget.placeholderText()


def test_no_text_of_the_window_is_english(sight: Sight) -> None:
    sight.enter("部屋", name="さくら", create=True)
    sight.happen(listing("さくら (host)", "健太"))
    sight.hear("健太: こんにちは")
    sight.happen(Disconnected(EvictionReason.HOST_LEFT))
    window = sight.window
    widgets = [window, *window.findChildren(QWidget)]
    found = {text for widget in widgets if not isinstance(widget, HelpDialog) for text in texts(widget) if text}
    found |= {action.text() for action in window.findChildren(QAction)}
    found |= {sight.text, sight.banner, window.windowTitle(), *sight.members}
    english = {text for text in found if ENGLISH.search(KEYS.sub("", text)) and not JAPANESE.search(text)}
    assert english <= {"chat.example.org", "relay.example:9000"}
    assert len(found) > 60


def test_what_is_refused_is_said_in_japanese(sight: Sight) -> None:
    sight.relay.verdict = Status.WRONG_PASSWORD
    sight.fill(Mode.JOIN, room="部屋", name="さくら")
    sight.go()
    problems = [field.problem.text() for field in sight.window.start.form.fields.values() if field.problem.text()]
    assert len(problems) == 1
    assert "パスワード" in problems[0]


def test_qt_speaks_it_too(sight: Sight) -> None:
    sight.enter("部屋", name="さくら")
    transcript = sight.window.chat.area.transcript
    transcript.selectAll()
    menu: QMenu = transcript.createStandardContextMenu(QPoint(0, 0))
    assert any("コピー" in action.text() for action in menu.actions())
    assert sight.window.chat.composer.words.layoutDirection() is Qt.LayoutDirection.LeftToRight


def test_days_are_written_as_in_japan(sight: Sight) -> None:
    sight.enter("部屋", name="さくら")
    assert "2026年1月2日" in sight.text


def test_help_needs_no_mnemonics(sight: Sight) -> None:
    dialog = sight.window.show_help()
    labels = [label.text() for label in dialog.findChildren(QLabel)]
    assert "新しいルーム" in labels
    assert not any("(&" in text or re.search(r"\([A-Z]\)$", text) for text in labels)
    dialog.accept()
