"""Everything that is made has a place of its own, whatever is shown and however wide the window is."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from itertools import combinations

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QAbstractScrollArea, QComboBox, QLabel, QSplitter, QWidget

from chatproto import Disconnected, EvictionReason, ListedRoom, Status, Topic
from messenger.core.entry import Field as Wrong
from messenger.core.remedy import Remedy
from messenger.desktop.actions import table
from messenger.desktop.dialogs import HelpDialog, LineDialog
from messenger.desktop.form import Mode
from messenger.desktop.panes import NARROW, WIDE
from messenger.desktop.stylesheet import stylesheet
from messenger.desktop.theme import LIGHT
from messenger.presentation.commands import command_help
from messenger.presentation.state import Notice, Tone, plain
from services.messenger.core.fake_relay import entry, listing
from services.messenger.desktop.sight import Sight

WIDTHS = (360, NARROW, WIDE, 1200)
LONG = (
    "Something went wrong, and it takes more than one line to say what it was and what can be done about it now. " * 2
)


def parts_of(owner: object, seen: set[int]) -> Iterator[tuple[str, QWidget]]:
    """Yield the widgets that a part of the window keeps, with their names."""
    seen.add(id(owner))
    for name, value in vars(owner).items():
        if isinstance(value, QWidget) and id(value) not in seen:
            yield f"{type(owner).__name__}.{name}", value
            yield from parts_of(value, seen)


def shown_children(widget: QWidget) -> list[QWidget]:
    return [
        each for each in widget.children() if isinstance(each, QWidget) and each.isVisible() and not each.isWindow()
    ]


def within(widget: QWidget) -> QWidget | None:
    """Return what holds a widget's children; None where Qt lays them out itself."""
    if isinstance(widget, QComboBox):
        return None
    return widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget


def crowded(widget: QWidget, floating: set[QWidget]) -> Iterator[str]:
    """Yield what covers something else, is cut, or reaches out of what it is in."""
    holder = within(widget)
    if holder is None:
        return
    shown = [each for each in shown_children(holder) if each not in floating]
    for child in shown:
        if holder is widget and not widget.rect().contains(child.geometry()):  # what is scrolled may be longer
            yield f"{child} at {child.geometry()} reaches out of {widget} {widget.rect()}"
        if isinstance(child, QLabel) and child.wordWrap() and child.height() < child.heightForWidth(child.width()):
            yield f"{child.text()!r} is cut"
        yield from crowded(child, floating)
    if not isinstance(widget, QSplitter):  # a handle is wider than the line that one sees
        for one, other in combinations(shown, 2):
            if one.geometry().intersects(other.geometry()):
                yield f"{one} at {one.geometry()} covers {other} at {other.geometry()}"


def check(sight: Sight) -> None:
    area = sight.window.chat.area
    for width in WIDTHS:
        sight.window.resize(width, 720)
        sight.look()
        assert list(crowded(sight.window, {area.newest, area.hint})) == [], width


def test_every_part_that_is_made_stands_in_the_window(sight: Sight) -> None:
    sight.enter()
    parts = dict(parts_of(sight.window, set()))
    assert len(parts) > 30
    assert [
        name for name, part in parts.items() if part is not sight.window and not sight.window.isAncestorOf(part)
    ] == []


def test_the_first_page_has_space_for_all_it_says(sight: Sight) -> None:
    for room in ("demo", "other"):
        sight.enter(room)
        sight.recents.remember(sight.current.entry)
    sight.window.show_start()
    start = sight.window.start
    for mode in Mode:
        start.form.mode = mode
        start.form.complain(dict.fromkeys(Wrong, LONG))
        start.form.fix.show()
        start.banner.show_notice(Notice(Tone.DANGER, LONG, LONG, code=":".join(["AB"] * 32)))
        check(sight)


def test_a_chat_has_space_for_all_it_says(sight: Sight) -> None:
    sight.enter(create=True, password="sesame")
    sight.happen(listing("ann (host)", "bob"), Topic("tea, and whatever else one may talk about until late at night"))
    check(sight)
    sight.window.chat.search_in()
    sight.relay.verdict = Status.NO_SUCH_ROOM
    sight.happen(Disconnected(EvictionReason.KICKED))
    assert len(sight.window.chat.banner.buttons) > 1
    check(sight)


@pytest.mark.parametrize("width", WIDTHS)
def test_dialogs_have_space_for_all_they_say(sight: Sight, width: int) -> None:
    sight.window.resize(width, 720)
    line = LineDialog(sight.window, title="Title", label=LONG)
    line.give_to(lambda _text: LONG)
    line.open()
    line.buttons.accepted.emit()
    for dialog in (line, HelpDialog(sight.window)):
        dialog.show()
        dialog.adjustSize()
        sight.look()
        assert shown_children(dialog)
        assert list(crowded(dialog, set())) == []
        dialog.close()


def words(within: QWidget) -> list[str]:
    """Return what labels say, where one sees them."""
    return [label.text() for label in within.findChildren(QLabel) if label.isVisibleTo(within) and label.text()]


def test_each_list_of_rooms_has_a_heading_that_says_what_it_lists(sight: Sight) -> None:
    sight.recents.remember(entry("garden"))
    start = sight.open_window().start
    sight.fill(Mode.JOIN)
    start.open.settling.timeout.emit()
    sight.links.tell_rooms(ListedRoom("tea", 3))
    sight.look()
    for listed in (start.list, start.open.list):
        assert listed.isVisible()
        (label,) = (each for each in start.findChildren(QLabel) if each.text() == listed.accessibleName())
        assert label.isVisible()
        top, below = label.mapTo(start, QPoint(0, 0)).y(), listed.mapTo(start, QPoint(0, 0)).y()
        assert top < below < top + 60
    assert words(start)[:2] == ["Chat", "Talk with others, room by room."]


def test_the_help_says_what_each_key_does_beside_it_and_lists_the_commands(sight: Sight) -> None:
    dialog = sight.window.show_help()
    sight.look()
    said = {label.text(): label for label in dialog.findChildren(QLabel)}
    for each in table().values():
        if each.keys:
            keys = " / ".join(each.keys)
            at = [said[text].mapTo(dialog, said[text].rect().center()) for text in (keys, plain(each.text))]
            assert at[0].y() == at[1].y()
            assert at[0].x() < at[1].x()
    assert command_help() in words(dialog)
    assert {"Keys", "Commands, typed in the message field"} <= set(words(dialog))
    dialog.accept()


def test_what_a_style_is_made_for_is_there_and_has_it(sight: Sight) -> None:
    """A property that nobody has, or that no rule knows, changes nothing."""
    sight.enter()
    sight.window.chat.banner.show_notice(Notice(Tone.DANGER, "What", "todo", buttons=(Remedy.AGAIN,)))
    parts = [*sight.window.findChildren(QWidget), *sight.window.show_help().findChildren(QWidget)]
    rules = stylesheet({**asdict(LIGHT), "title": "12pt"})
    made_for = set(re.findall(r"(\w+)\[role=\"(\w+)\"\]", rules))
    assert made_for == {(type_of(part), part.property("role")) for part in parts if part.property("role")}
    names = set(re.findall(r"#(\w+)[\[: {,]", re.sub(r"\{[^}]*\}", "{", rules)))
    assert names - {part.objectName() for part in parts} == set()


def type_of(part: QWidget) -> str:
    """Return the name by which a rule would find it."""
    return next(each.__name__ for each in type(part).__mro__ if each.__name__ in {"QLabel", "QPushButton", "QWidget"})


def test_what_floats_over_the_messages_stays_within_them(sight: Sight) -> None:
    sight.enter()
    area = sight.window.chat.area
    for width in WIDTHS:
        sight.window.resize(width, 720)
        sight.look()
        assert area.hint.isVisible()
        middle = QRect(QPoint(0, 0), area.size()).center()
        assert area.rect().contains(area.hint.geometry())
        assert (area.hint.geometry().center() - middle).manhattanLength() <= 2
