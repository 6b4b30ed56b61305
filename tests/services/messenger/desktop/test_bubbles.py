"""What one sees beneath and beside what is said."""

import pytest
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QTextBlock, QTextCursor

from messenger.desktop.bubbles import paint_avatar, spans_of
from messenger.desktop.rows import Shape
from messenger.desktop.transcript import Transcript
from messenger.desktop.typesetter import CODE, QUOTE, blocks, shape_of
from services.messenger.core.fake_relay import listing
from services.messenger.desktop.painted import changed, half_as_far, has_ink, over, where
from services.messenger.desktop.sight import Sight

LONG = "WWWW " * 18


@pytest.fixture
def sight(sight: Sight) -> Sight:
    sight.enter(create=True)
    sight.happen(listing("ann (host)", "bob"))
    sight.window.resize(1200, 900)
    sight.look()
    return sight


def transcript_of(sight: Sight) -> Transcript:
    return sight.window.chat.area.transcript


def picture_of(sight: Sight) -> QImage:
    sight.window.chat.area.hint.hide()
    return transcript_of(sight).viewport().grab().toImage()


def last(sight: Sight, shape: Shape) -> QTextBlock:
    return [block for block in blocks(transcript_of(sight).document().begin()) if shape_of(block) is shape][-1]


def letters(sight: Sight, block: QTextBlock, first: int = 0, end: int | None = None) -> QRect:
    """Return where some of a block's letters stand."""
    found, cursor = QRect(), QTextCursor(block)
    for number in range(first, block.length() if end is None else end + 1):
        cursor.setPosition(block.position() + number)
        found = found.united(transcript_of(sight).cursorRect(cursor).adjusted(0, 0, -1, 0))
    return found


def around(picture: QImage, said: QRect, colour: str, *, off: int = 0) -> QRect:
    """Return where a colour is in the rows of letters, and a little above and below."""
    near = QRect(0, said.top() - 12, picture.width(), said.height() + 24)
    found = where(picture.copy(near), colour, off=off)
    return found.translated(near.topLeft()) if found.isValid() else found


def say(sight: Sight, text: str, *, own: bool) -> QRect:
    """Have something said; returns where the letters stand."""
    if own:
        sight.type(text)
    else:
        sight.hear(f"bob: {text}")
    return letters(sight, last(sight, Shape.OWN if own else Shape.OTHER))


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("text", ["hi", "two\nlines", LONG])
@pytest.mark.parametrize("width", [360, 1200])
def test_a_bubble_is_around_its_letters_and_on_its_side(sight: Sight, own: bool, text: str, width: int) -> None:
    sight.window.resize(width, 900)
    sight.look()
    said = say(sight, text, own=own)
    picture = picture_of(sight)
    colours = sight.window.theme.colours
    bubble = around(picture, said, colours.own if own else colours.other)
    assert bubble.contains(said)
    assert bubble.height() < said.height() + 24, "it ends before what is around"
    left, right = bubble.left(), picture.width() - 1 - bubble.right()
    assert left > right > 0 if own else right > left > 0
    if text != LONG:
        assert bubble.width() < said.width() + 40
        assert abs((said.left() - bubble.left()) - (bubble.right() - said.right())) <= 3


def test_bubbles_of_one_person_are_apart_from_each_other(sight: Sight) -> None:
    for text in ("one", "two", "three"):
        said = say(sight, text, own=False)
    column = picture_of(sight).copy(said.left(), 0, 1, said.bottom())
    other = QColor(sight.window.theme.colours.other).rgb()
    runs = [
        y for y in range(1, column.height()) if (column.pixel(0, y) == other) is not (column.pixel(0, y - 1) == other)
    ]
    assert len(runs) >= 5, "each begins and ends"


def test_corners_are_round(sight: Sight) -> None:
    said = say(sight, "hi", own=False)
    picture, colours = picture_of(sight), sight.window.theme.colours
    bubble = around(picture, said, colours.other)
    corners = [bubble.topLeft(), bubble.topRight(), bubble.bottomLeft(), bubble.bottomRight()]
    assert {picture.pixelColor(corner).name() for corner in corners} == {colours.ground}


def test_who_is_called_by_name_sees_another_ground(sight: Sight) -> None:
    said = say(sight, "ann, tea?", own=False)
    picture, colours = picture_of(sight), sight.window.theme.colours
    assert around(picture, said, colours.warning_ground).contains(said)
    assert not around(picture, said, colours.other).isValid()


def test_lines_of_code_have_a_ground_of_their_own(sight: Sight) -> None:
    said = say(sight, "look:\n```\nx = 1\ny = 2\n```\nsee", own=False)
    block = last(sight, Shape.OTHER)
    (span,) = spans_of(block, CODE)
    code = letters(sight, block, *span)
    picture, colours = picture_of(sight), sight.window.theme.colours
    ground = around(picture, said, over(colours.other, QColor(colours.code)), off=3)
    assert ground.adjusted(-1, -1, 1, 1).contains(code)
    assert around(picture, said, colours.other).contains(ground)
    beside = picture.copy(ground.left() + 2, said.top(), 1, said.height())
    rows = where(beside, over(colours.other, QColor(colours.code)), off=3).translated(0, said.top())
    assert abs(rows.top() - code.top()) <= 3, "not behind what is said before"
    assert abs(rows.bottom() - code.bottom()) <= 3, "nor after"
    assert ground.left() < said.left()
    assert ground.right() > said.right()


def test_code_in_a_line_has_a_ground_behind_its_letters_alone(sight: Sight) -> None:
    say(sight, "use `make` now", own=False)
    block = last(sight, Shape.OTHER)
    code = letters(sight, block, 4, 8)
    colours = sight.window.theme.colours
    above_letters = picture_of(sight).copy(0, code.top(), sight.window.width(), 2)  # whose soft edges have any colour
    ground = where(above_letters, over(colours.other, QColor(colours.code)), off=3)
    assert abs(ground.left() - code.left()) <= 2
    assert abs(ground.right() - code.right()) <= 2


def test_a_quotation_has_a_bar_at_its_left(sight: Sight) -> None:
    said = say(sight, "> tea?\nyes", own=False)
    block = last(sight, Shape.OTHER)
    (span,) = spans_of(block, QUOTE)
    quoted = letters(sight, block, *span)
    picture, colours = picture_of(sight), sight.window.theme.colours
    bubble = around(picture, said, colours.other)
    beside = QRect(bubble.left(), bubble.top(), said.left() - bubble.left(), bubble.height())
    bar = where(picture.copy(beside), colours.muted).translated(beside.topLeft())
    assert 0 < bar.width() < 6
    assert quoted.top() <= bar.top() < bar.bottom() <= quoted.bottom() + 2
    assert bar.height() > quoted.height() / 2


@pytest.mark.parametrize(("refusal", "colour", "other"), [("", "muted", "danger"), ("muted", "danger", "muted")])
def test_ones_own_message_has_a_mark_left_of_where_it_ends(sight: Sight, refusal: str, colour: str, other: str) -> None:
    sight.relay.refusal = refusal
    said = say(sight, "one\ntwo", own=True)
    picture, colours = picture_of(sight), sight.window.theme.colours
    bubble = around(picture, said, colours.own)
    left = picture.copy(0, said.top(), bubble.left(), said.height())
    blank = QImage(left)
    blank.fill(QColor(colours.ground))
    mark = changed(left, blank)
    ink = getattr(colours, colour)
    assert where(left, ink, off=half_as_far(ink, getattr(colours, other))).isValid()
    assert not has_ink(left, colours.danger if colour == "muted" else colours.accent)
    assert mark.top() > said.height() / 2 - 2, "beside the last line"
    assert 0 < left.width() - mark.right() < 20


def test_a_problem_has_a_ground_around_its_letters(sight: Sight) -> None:
    sight.type("/quack")
    said = letters(sight, last(sight, Shape.PROBLEM))
    picture, colours = picture_of(sight), sight.window.theme.colours
    ground = around(picture, said, colours.danger_ground)
    assert ground.contains(said)
    assert ground.width() < said.width() + 40
    assert ground.height() < said.height() + 20


def test_lines_lead_from_a_day_and_from_what_is_new_to_both_edges(sight: Sight) -> None:
    other = sight.look_away()
    sight.hear("bob: new")
    sight.look_back()
    colours = sight.window.theme.colours
    for shape, colour in ((Shape.DAY, colours.line), (Shape.MARK, colours.accent)):
        said = letters(sight, last(sight, shape))
        picture = picture_of(sight)
        row = picture.copy(0, said.top(), picture.width(), said.height())
        off = half_as_far(colour, colours.ground)
        line = where(row, colour, off=off)
        assert line.left() < 40
        assert line.right() > row.width() - 40
        for x in (said.left() - 30, said.right() + 30):
            assert where(row.copy(x, 0, 4, row.height()), colour, off=off).width() == 4, "on both sides"
        for x in (said.left() - 6, said.right() + 2):
            assert not where(row.copy(x, 0, 4, row.height()), colour, off=off).isValid(), "no line touches letters"
    other.close()


def test_where_there_is_space_a_person_has_a_letter_beside_the_name(sight: Sight) -> None:
    theme = sight.window.theme
    said = say(sight, "hi", own=False)
    picture = picture_of(sight)
    header = letters(sight, last(sight, Shape.HEADER))
    bubble = around(picture, said, theme.colours.other)
    colour = theme.name_colour("bob")
    ground = QColor(colour)
    ground.setAlphaF(0.15)
    beside = picture.copy(0, header.top(), bubble.left(), said.bottom() - header.top())
    round_ground = where(beside, over(theme.colours.ground, ground), off=4)
    assert round_ground.isValid()
    assert abs(round_ground.width() - round_ground.height()) <= 2
    assert has_ink(beside, colour.name())
    assert round_ground.left() > 4
    sight.window.resize(360, 900)
    sight.look()
    narrow = picture_of(sight).copy(0, 0, 200, beside.height() + header.top())
    assert not where(narrow, over(theme.colours.ground, ground), off=4).width() > 8


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [("bob", "bea", True), ("bob", "ann", False), ("~bob", "bob", True), ("!?", "!", True), ("", "", True)],
)
def test_the_letter_is_the_first_of_the_name(
    sight: Sight, monkeypatch: pytest.MonkeyPatch, one: str, other: str, alike: bool
) -> None:
    theme = sight.window.theme
    monkeypatch.setattr(theme, "name_colour", lambda _name: QColor("#204080"))
    drawn = []
    for name in (one, other):
        picture = QImage(30, 30, QImage.Format.Format_RGB32)
        picture.fill(QColor("white"))
        painter = QPainter(picture)
        paint_avatar(painter, theme, QRectF(picture.rect()), name)
        painter.end()
        drawn.append(picture)
    assert (drawn[0] == drawn[1]) is alike
