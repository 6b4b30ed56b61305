"""Whoever doesn't see the window, or has no mouse, can use it."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from chatproto import Disconnected, EvictionReason
from messenger.desktop.actions import Do, table
from messenger.desktop.dialogs import HelpDialog, LineDialog
from services.messenger.core.fake_relay import listing
from services.messenger.desktop.sight import Sight

CONTROLS = (QAbstractButton, QLineEdit, QComboBox, QAbstractItemView, QPlainTextEdit, QTextEdit)


def controls(within: QWidget) -> Iterator[QWidget]:
    """Everything that a person may go to; not what is a part of something else of Qt's."""
    for widget in within.findChildren(QWidget):
        if isinstance(widget, CONTROLS) and not widget.objectName().startswith("qt_") and not is_of_a_box(widget):
            yield widget


def is_of_a_box(widget: QWidget) -> bool:
    """Tell whether it is what a combo box unfolds."""
    parent = widget.parent()
    while parent is not None and not isinstance(parent, QComboBox):
        parent = parent.parent()
    return parent is not None and not isinstance(widget, QLineEdit)


def in_focus() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget
    return widget


@pytest.fixture
def whole(sight: Sight) -> Sight:
    """Have everything there: both pages, a banner, members."""
    sight.enter(create=True)
    sight.happen(listing("ann (host)", "bob"))
    sight.window.show_start()
    sight.window.show_conversation(sight.messenger.conversations[0])
    sight.happen(Disconnected(EvictionReason.KICKED))
    return sight


def test_every_control_has_a_name_and_a_description(whole: Sight) -> None:
    dialogs = [HelpDialog(whole.window), LineDialog(whole.window, title="T", label="Label")]
    found = list(controls(whole.window))
    assert len(found) > 30
    nameless = [widget for widget in found if not (widget.accessibleName() or getattr(widget, "text", str)())]
    assert nameless == []
    own = [widget for widget in found if not any(dialog.isAncestorOf(widget) for dialog in dialogs)]
    assert [widget for widget in own if not widget.accessibleDescription()] == []


def test_every_field_of_the_form_has_a_label_with_a_key(sight: Sight) -> None:
    labels = [field.label for field in sight.window.start.form.fields.values()]
    assert all(label.buddy() and "&" in label.text() for label in labels)
    keys = [label.text().partition("&")[2][:1].lower() for label in labels]
    buttons = [each.text().partition("&")[2][:1].lower() for each in sight.window.start.findChildren(QAbstractButton)]
    used = [key for key in [*keys, *buttons] if key]
    assert len(used) == len(set(used)), "each key means one thing"


def test_the_form_is_filled_in_by_keys_alone(sight: Sight) -> None:
    form = sight.window.start.form
    form.name.setFocus()
    for text in ("ann", "relay.example", "demo"):
        QTest.keyClicks(in_focus(), text)
        QTest.keyClick(in_focus(), Qt.Key.Key_Tab)
    QTest.keyClick(form.password, Qt.Key.Key_Return)
    sight.look()
    assert sight.rooms == ["demo"]


def test_tab_goes_round_all_parts_of_the_chat(sight: Sight) -> None:
    sight.enter()
    window = sight.window
    wanted: set[QWidget] = {window.rooms.list, window.chat.area.transcript, window.chat.composer.words}
    wanted |= {window.members.list}
    wanted |= {window.rooms.new, window.rooms.menu, window.chat.bar.members, window.chat.bar.menu}
    reached: set[QWidget] = set()
    for _ in range(30):
        QTest.keyClick(in_focus(), Qt.Key.Key_Tab)
        reached.add(in_focus())
    assert wanted <= reached


def test_no_key_means_two_things() -> None:
    keys = [key for entry in table().values() for key in entry.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("done", list(Do))
def test_everything_can_be_done_without_a_mouse(sight: Sight, done: Do) -> None:
    action = sight.action(done)
    in_menus = {Do.WHO, Do.TOPIC, Do.PASSWORD, Do.REMOVE_PASSWORD, Do.BANNED, Do.SOUND, Do.UNBAN, Do.LEAVE}
    assert action.shortcuts() or done in in_menus
    assert action.text()


def test_labels_never_read_markup(whole: Sight) -> None:
    """Text of others may stand in any label that changes."""
    labels = [label for label in whole.window.findChildren(QLabel) if label.text()]
    assert labels
    assert all(label.textFormat() is Qt.TextFormat.PlainText or "<" not in label.text() for label in labels)


@pytest.mark.parametrize(
    "done", [Do.REPLY, Do.SEARCH, Do.EXPORT, Do.BOOKMARK, Do.LARGER, Do.SMALLER, Do.USUAL, Do.NEW, Do.MEMBERS]
)
def test_keys_work_while_one_types(sight: Sight, done: Do) -> None:
    """A field may take keys for itself before any action hears of them."""
    sight.enter()
    done_so: list[Do] = []
    action = sight.action(done)
    action.triggered.disconnect()
    action.triggered.connect(lambda: done_so.append(done))
    for keys in table()[done].keys:
        QTest.keySequence(sight.window.chat.composer.words, QKeySequence(keys))
    assert done_so == [done] * len(table()[done].keys)
