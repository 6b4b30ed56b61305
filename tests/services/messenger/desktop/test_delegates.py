"""What one sees of a room and of a person in the lists at the sides."""

from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, QRect, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from messenger.desktop.delegates import PersonDelegate, Role, RoomDelegate
from messenger.desktop.theme import Theme
from messenger.presentation.state import Tone
from services.messenger.desktop.painted import changed, has_ink, where

SIZE = QRect(0, 0, 260, 56)
ITEM = SIZE.adjusted(10, 4, -10, -4)
"""Around it nothing may be painted."""
RIGHT = QRect(ITEM.center().x(), 0, ITEM.width() // 2, SIZE.height())
State = QStyle.StateFlag

ROOM = {Qt.ItemDataRole.DisplayRole: "tea party", Role.SUBTITLE: "bob: hello"}


def paint(delegate: QStyledItemDelegate, data: dict[Any, Any], state: State = State.State_None) -> QImage:
    shown = QListWidget()
    item = QListWidgetItem(shown)
    for role, value in data.items():
        item.setData(role, value)
    option = QStyleOptionViewItem()
    option.rect, option.state, option.font = ITEM, State.State_Enabled | state, QApplication.font()
    picture = QImage(SIZE.size(), QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.white)
    painter = QPainter(picture)
    pen, brush, font = painter.pen(), painter.brush(), QFont(painter.font())
    delegate.paint(painter, option, shown.indexFromItem(item))
    assert (painter.pen(), painter.brush(), painter.font()) == (pen, brush, font), "the next one begins anew"
    painter.end()
    assert ITEM.contains(where_painted(picture))
    return picture


def where_painted(picture: QImage) -> QRect:
    blank = QImage(picture)
    blank.fill(Qt.GlobalColor.white)
    return changed(picture, blank)


@pytest.fixture
def room(theme: Theme) -> RoomDelegate:
    return RoomDelegate(theme)


@pytest.fixture
def person(theme: Theme) -> PersonDelegate:
    return PersonDelegate(theme)


@pytest.mark.parametrize(("state", "colour"), [(State.State_Selected, "chosen"), (State.State_MouseOver, "hover")])
def test_what_is_chosen_or_under_the_pointer_has_a_ground(
    room: RoomDelegate, person: PersonDelegate, theme: Theme, state: State, colour: str
) -> None:
    name = getattr(theme.colours, colour)
    for delegate in (room, person):
        assert not where(paint(delegate, ROOM), name).isValid()
        ground = where(paint(delegate, ROOM, state), name)
        assert ground.width() > 0.9 * ITEM.width()
        assert ground.height() > 0.9 * ITEM.height()


def test_what_is_in_focus_has_an_edge(room: RoomDelegate, person: PersonDelegate) -> None:
    for delegate in (room, person):
        calm, focused = paint(delegate, ROOM), paint(delegate, ROOM, State.State_HasFocus)
        edge = changed(calm, focused)
        assert edge.width() > 0.9 * ITEM.width()
        inside = edge.adjusted(4, 4, -4, -4)
        assert not changed(calm.copy(inside), focused.copy(inside)).isValid()


def test_what_is_chosen_looks_so_under_the_pointer_too(room: RoomDelegate, theme: Theme) -> None:
    both = paint(room, ROOM, State.State_Selected | State.State_MouseOver)
    assert where(both, theme.colours.chosen).isValid()
    assert not where(both, theme.colours.hover).isValid()


def test_a_room_is_a_letter_with_its_name_above_what_was_said_last(room: RoomDelegate, theme: Theme) -> None:
    both = paint(room, ROOM)
    said = changed(both, paint(room, ROOM | {Role.SUBTITLE: ""}))
    words = QRect(said.left() - 2, 0, SIZE.width() - said.left(), SIZE.height())
    name = where_painted(paint(room, ROOM | {Role.SUBTITLE: ""}).copy(words))
    letter = changed(both, paint(room, ROOM | {Qt.ItemDataRole.DisplayRole: "xea party"}))
    assert name.bottom() <= said.top() + 1
    assert letter.left() < said.left() - 10
    assert has_ink(both.copy(words), theme.colours.text, name)
    assert has_ink(both, theme.colours.muted, said)


def test_the_lobby_has_a_picture_instead_of_a_letter(room: RoomDelegate, theme: Theme) -> None:
    lobby = paint(room, ROOM | {Role.LOBBY: True})
    mark = changed(lobby, paint(room, ROOM))
    assert mark.right() < changed(lobby, paint(room, ROOM | {Role.LOBBY: True, Role.SUBTITLE: ""})).left()
    assert has_ink(lobby, theme.colours.muted, mark)


@pytest.mark.parametrize(
    ("known", "ground"),
    [
        ({Role.UNREAD: 3}, "accent"),
        ({Role.UNREAD: 3, Role.QUIET: True}, "muted"),
        ({Role.MENTIONS: 3}, "warning"),
    ],
)
def test_what_is_unread_is_counted_on_a_ground_of_its_kind(
    room: RoomDelegate, theme: Theme, known: dict[Role, object], ground: str
) -> None:
    picture, other = (paint(room, ROOM | known | {next(iter(known)): count}).copy(RIGHT) for count in (3, 4))
    badge = where(picture.copy(picture.width() - 36, 0, 36, SIZE.height()), getattr(theme.colours, ground))
    badge.translate(picture.width() - 36, 0)
    assert abs(badge.center().y() - ITEM.center().y()) <= 2
    assert badge.width() >= badge.height() - 1
    digit = changed(picture, other)
    assert has_ink(picture, theme.colours.on_accent, digit)
    assert badge.contains(digit)
    assert abs(digit.center().x() - badge.center().x()) <= 6


def test_counts_stand_beside_each_other_and_end_at_a_hundred(room: RoomDelegate, theme: Theme) -> None:
    both = ROOM | {Role.UNREAD: 99, Role.MENTIONS: 99}
    picture = paint(room, both)
    unread, mentions = where(picture, theme.colours.accent), where(picture, theme.colours.warning)
    assert mentions.right() < unread.left()
    more = paint(room, both | {Role.UNREAD: 100})
    assert where(more, theme.colours.accent).width() > unread.width()
    assert paint(room, both | {Role.UNREAD: 5000}) == more
    assert paint(room, ROOM | {Role.UNREAD: 0, Role.MENTIONS: None}) == paint(room, ROOM)


def test_a_long_name_ends_before_what_stands_at_the_right(room: RoomDelegate, theme: Theme) -> None:
    long = {Qt.ItemDataRole.DisplayRole: "W" * 80, Role.SUBTITLE: "W" * 80}
    badge = where(paint(room, long | {Role.UNREAD: 3}), theme.colours.accent)
    gap = paint(room, long | {Role.UNREAD: 3}).copy(badge.left() - 4, 0, 3, SIZE.height())
    assert not where_painted(gap).isValid()


def test_a_quiet_room_has_a_sign(room: RoomDelegate, theme: Theme) -> None:
    quiet = paint(room, ROOM | {Role.QUIET: True})
    mark = changed(quiet, paint(room, ROOM))
    assert mark.left() > ITEM.center().x()
    assert has_ink(quiet, theme.colours.muted, mark)


def test_a_name_with_something_unread_is_bolder(room: RoomDelegate) -> None:
    room_of = ROOM | {Role.QUIET: True}
    name = changed(paint(room, room_of), paint(room, room_of | {Qt.ItemDataRole.DisplayRole: "t"}))
    read, unread = (paint(room, room_of | {Role.UNREAD: count}).copy(name) for count in (0, 1))
    assert changed(read, unread).isValid()


@pytest.mark.parametrize(
    ("tone", "colour"), [(Tone.WARNING, "warning"), (Tone.DANGER, "danger"), (Tone.CALM, "muted"), (None, "muted")]
)
def test_how_one_is_in_has_a_colour(room: RoomDelegate, theme: Theme, tone: Tone | None, colour: str) -> None:
    data = ROOM | {Role.TONE: tone.value if tone else "", Role.SUBTITLE: "Not connected"}
    picture = paint(room, data)
    said = changed(picture, paint(room, data | {Role.SUBTITLE: ""}))
    others = {"warning", "danger", "muted"} - {colour}
    assert has_ink(picture, getattr(theme.colours, colour), said)
    assert not any(has_ink(picture, getattr(theme.colours, other), said) for other in others)


@pytest.mark.parametrize(("role", "colour"), [(Role.HOST, "accent"), (Role.MUTED, "muted"), (Role.IGNORED, "muted")])
def test_a_person_has_a_sign_of_what_is_special(person: PersonDelegate, theme: Theme, role: Role, colour: str) -> None:
    data = {Qt.ItemDataRole.DisplayRole: "bob"}
    picture = paint(person, data | {role: True})
    assert has_ink(picture, getattr(theme.colours, colour), RIGHT)
    assert not where_painted(paint(person, data).copy(RIGHT)).isValid()


def test_signs_of_a_person_stand_beside_each_other(person: PersonDelegate) -> None:
    data: dict[Any, Any] = {Qt.ItemDataRole.DisplayRole: "bob"}
    edges = []
    for role in (Role.HOST, Role.MUTED, Role.IGNORED):
        more = data | {role: True}
        edges.append(changed(paint(person, data).copy(RIGHT), paint(person, more).copy(RIGHT)))
        data = more
    first, second, third = edges
    assert third.right() < second.left()
    assert second.right() < first.left()


def test_who_is_ignored_has_a_paler_name(person: PersonDelegate, theme: Theme) -> None:
    data = {Qt.ItemDataRole.DisplayRole: "bob"}
    name = changed(paint(person, data), paint(person, data | {Qt.ItemDataRole.DisplayRole: "b"}))
    assert has_ink(paint(person, data), theme.colours.text, name)
    assert not has_ink(paint(person, data | {Role.IGNORED: True}), theme.colours.text, name)


def test_a_row_is_as_high_as_its_letters_ask_for(room: RoomDelegate, person: PersonDelegate) -> None:
    heights = []
    for points in (10, 20):
        option = QStyleOptionViewItem()
        option.font = QFont(QApplication.font().family(), points)
        line = QFontMetricsF(option.font).lineSpacing()
        heights.append(room.sizeHint(option, QModelIndex()).height())
        assert heights[-1] > 2 * line
        assert 3 * line > person.sizeHint(option, QModelIndex()).height() > line
    assert heights[1] > heights[0] * 1.5
