import pytest

from messenger.desktop.panes import NARROW, WIDE, Pane, visible_panes


@pytest.mark.parametrize(
    ("width", "members", "peek", "shown"),
    [
        (WIDE, True, Pane.CENTRE, {Pane.ROOMS, Pane.CENTRE, Pane.MEMBERS}),
        (WIDE, False, Pane.CENTRE, {Pane.ROOMS, Pane.CENTRE}),
        (WIDE - 1, True, Pane.CENTRE, {Pane.ROOMS, Pane.CENTRE}),
        (WIDE - 1, True, Pane.MEMBERS, {Pane.CENTRE, Pane.MEMBERS}),
        (NARROW - 1, True, Pane.CENTRE, {Pane.CENTRE}),
        (NARROW - 1, True, Pane.ROOMS, {Pane.ROOMS}),
        (NARROW - 1, False, Pane.MEMBERS, {Pane.MEMBERS}),
    ],
)
def test_panes_fold_as_there_is_less_place(width: int, members: bool, peek: Pane, shown: set[Pane]) -> None:
    assert visible_panes(width, members=members, peek=peek) == shown
