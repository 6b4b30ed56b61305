"""Scrolling, what is new, several rooms, and attention."""

from functools import partial

import pytest
from textual.events import AppBlur, AppFocus
from textual.scroll_view import ScrollView

from messenger.core.facts import Presence
from services.messenger.core.fake_relay import Case, entry
from services.messenger.terminal.seat import Seat, sit_down


def unattended(seat: Seat) -> bool:
    return not seat.room.attended


async def say_many(seat: Seat, count: int = 40, link: int = -1) -> None:
    for number in range(count):
        seat.case.relay.says(f"bob: line {number:03}", link)
    await seat.settles()


async def scroll_back(seat: Seat) -> None:
    """Turn a page back, away from an end that had been seen."""
    await seat.until(lambda: seat.room.attended, "The end")
    await seat.presses("pageup")
    await seat.until(lambda: not seat.room.attended, "The scrolling")


def read(seat: Seat) -> list[str]:
    """Return the messages that are seen, without the scroll bar."""
    return [line[:79].rstrip() for line in seat.lines[1:19]]


async def test_the_end_is_followed(case: Case) -> None:
    async with sit_down(case) as ann:
        await say_many(ann)
        await ann.sees("line 039")
        case.relay.says("bob: the newest")
        await ann.sees("the newest")
        assert ann.room.unread == 0


async def test_what_one_reads_stays_where_it_is_and_new_ones_are_counted(case: Case) -> None:
    async with sit_down(case) as ann:
        await say_many(ann)
        await scroll_back(ann)
        await ann.settles()
        body = read(ann)
        assert any("line 005" in line for line in body)
        case.relay.says("bob: unseen")
        case.relay.says("bob: unseen too")
        await ann.sees("↓ 2 new")
        assert read(ann) == body
        await ann.presses("ctrl+end")
        await ann.sees("unseen too", "─ new ─")
        await ann.misses("↓")
        await ann.until(lambda: ann.room.unread == 0, "Attention")


async def test_the_chip_leads_to_the_end_by_a_click(case: Case) -> None:
    async with sit_down(case) as ann:
        await say_many(ann)
        await scroll_back(ann)
        case.relay.says("bob: unseen")
        await ann.sees("↓ 1 new")
        await ann.clicks_on("↓ 1 new")
        await ann.sees("bob: unseen")


async def test_what_one_says_oneself_leads_to_the_end(case: Case) -> None:
    async with sit_down(case) as ann:
        await say_many(ann)
        await ann.presses("pageup")
        await ann.enters("here I am")
        await ann.sees("ann: here I am")


async def test_a_resize_keeps_what_one_reads_and_the_end(case: Case) -> None:
    async with sit_down(case) as ann:
        await say_many(ann, 60)
        for number in range(20):
            case.relay.says(f"bob: long {number:03} " + "word " * 30)
        await ann.settles()
        await ann.pilot.resize_terminal(140, 40)
        await ann.sees("long 019")
        await ann.presses("pageup")
        await ann.settles()
        top = next(line for line in ann.lines[1:] if "long" in line or "line" in line)
        await ann.pilot.resize_terminal(90, 24)
        await ann.settles()
        found = top[top.index("bob: ") :][:12] if "bob: " in top else "word"
        await ann.sees(found)


async def test_who_looks_elsewhere_has_not_read_it(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.until(lambda: ann.room.attended, "The look")
        ann.app.post_message(AppBlur())
        await ann.until(lambda: not ann.room.attended, "The blur")
        case.relay.says("bob: psst")
        await ann.sees("─ new ─", "bob: psst")
        assert ann.room.unread == 1
        ann.app.post_message(AppFocus())
        await ann.until(lambda: ann.room.unread == 0, "The focus")
        await ann.sees("─ new ─")
        await ann.enters("yes?")
        await ann.misses("─ new ─")


async def test_two_rooms_and_what_is_unread_in_the_other(case: Case) -> None:
    async with sit_down(case, "one") as ann:
        await ann.presses("f2")
        await ann.sees("Your name", "Back")
        await ann.enters("two")
        await ann.sees("You are in two as ann.", "● one", "● two")
        await ann.types("a draft")
        case.relay.says("bob: in one", link=0)
        case.relay.says("bob: in two", link=1)
        await ann.sees("bob: in two", "● one          1")
        assert not any("bob: in one" in line for line in ann.lines)
        await ann.presses("ctrl+n")
        await ann.sees("─ new ─", "bob: in one")
        assert not any("a draft" in line for line in ann.lines)
        await ann.misses("● one          1")
        await ann.clicks_on("● two")
        await ann.sees("a draft", "bob: in two")
        await ann.presses("ctrl+u")
        await ann.enters("/leave")
        await ann.sees("bob: in one")
        assert [room.title for room in case.messenger.conversations] == ["one"]
        assert ann.app.is_running


async def test_much_that_is_unread_is_shown_from_where_one_stopped(case: Case) -> None:
    async with sit_down(case, "one") as ann:
        other = case.messenger.enter(entry("two"))
        await say_many(ann, 30, link=1)
        await ann.sees("two         30")
        ann.app.go_to(other)
        await ann.sees("─ new ─", "line 000", "↓ 30 new")
        assert not any("line 029" in line for line in ann.lines)
        await ann.presses("ctrl+end")
        await ann.sees("line 029")
        await ann.until(lambda: other.unread == 0)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_panes_fold_where_there_is_little_place_unless_one_wants_them(case: Case, size: tuple[int, int]) -> None:
    async with sit_down(case, size=size) as ann:
        wide = size[0] > 100
        await ann.sees("You are in demo")
        assert any("● demo" in line for line in ann.lines) is wide
        await ann.presses("f3", "f4")
        await (ann.misses("● demo") if wide else ann.sees("● demo"))
        assert ann.app._rooms._members.display is not wide
        await ann.pilot.resize_terminal(*size[::-1])
        assert ann.app._rooms._members.display is not wide


async def test_ten_thousand_lines_are_kept_and_the_oldest_go(case: Case) -> None:
    async with sit_down(case) as ann:
        for number in range(11_500):
            case.relay.says(f"bob: {number:05}")
            if number % 1000 == 0:
                await ann.settles()
        await ann.sees("bob: 11499")
        await ann.presses("ctrl+home")
        await ann.until(lambda: not ann.app._rooms.transcript.following)
        await ann.settles()
        first = next(line for line in ann.lines if "bob: " in line)
        assert int(first[first.index(": ") + 2 :]) <= 1500
        body = read(ann)
        case.relay.says("bob: one more")
        await ann.sees("↓ 1 new")
        assert read(ann) == body


async def test_the_bell_rings_only_for_who_wants_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for bell in (False, True):
        async with sit_down(case, f"bell {bell}", bell=bell) as ann:
            rung: list[bool] = []
            monkeypatch.setattr(ann.app, "bell", lambda rung=rung: rung.append(True))
            await ann.settles()
            case.relay.says("bob: seen")
            ann.app.post_message(AppBlur())
            await ann.until(partial(unattended, ann))
            case.relay.says("bob: unseen")
            assert bool(rung) is bell
            ann.app.action_leave_all()
            assert ann.room.presence is Presence.OVER


async def test_a_muted_room_rings_for_nobody_until_it_may_again(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sit_down(case, "one", bell=True, notifications=True) as ann:
        rung: list[bool] = []
        monkeypatch.setattr(ann.app, "bell", lambda: rung.append(True))
        await ann.presses("f5")
        await ann.until(lambda: ann.room.muted, "The mute")
        await ann.sees("Notifications off for this room.")
        await ann.until(lambda: ann.room.attended, "The look")
        ann.app.post_message(AppBlur())
        await ann.until(partial(unattended, ann))
        case.relay.says("bob: psst")
        assert (ann.room.unread, case.messenger.unread, rung) == (1, 0, [])
        await ann.presses("f5")
        await ann.until(lambda: not ann.room.muted, "The end of the mute")
        await ann.sees("Notifications on for this room.")
        ann.app.post_message(AppBlur())  # who presses a key looks
        await ann.until(partial(unattended, ann))
        case.relay.says("bob: hello?")
        assert rung == [True]


async def test_an_invitation_is_copied(case: Case) -> None:
    async with sit_down(case, "one") as ann:
        await ann.presses("f7")
        await ann.until(lambda: ann.app.clipboard == "chat://relay.example:9000/one", "The invitation")


async def test_a_terminal_that_is_much_too_small_breaks_nothing(case: Case) -> None:
    async with sit_down(case) as ann:
        await say_many(ann)
        for size in ((20, 6), (40, 12), (3, 3)):
            await ann.pilot.resize_terminal(*size)
            case.relay.says(f"ボブ: {size} " + "こんにちは " * 10)
            await ann.settles()
            await ann.presses("f1", "escape", "f2", "escape", "f4", "pageup", "pagedown")
            await ann.pilot.resize_terminal(80, 24)
            await ann.sees(f"{size} こんにちは", "Connected")


def test_textual_still_has_what_it_does_not_promise() -> None:
    """The one private name that the app uses: without it scroll bars don't follow what comes."""
    assert callable(ScrollView._scroll_update)


async def test_who_is_called_by_name_sees_it(case: Case) -> None:
    async with sit_down(case, create=True, size=(100, 24)) as ann:
        case.relay.says("bob: hello Ann, tea?")
        await ann.sees("▎12:00 bob: hello Ann, tea?")
        assert ann.style_at("Ann, tea").bold
        assert not ann.style_at("hello").bold
        case.messenger.enter(entry("other"))
        await ann.settles()
        case.relay.says("eve: ann")
        case.relay.says("eve: and more")
        await ann.sees("other    @1  2")


async def test_one_searches_in_what_was_said(case: Case) -> None:
    async with sit_down(case, create=True) as ann:
        case.relay.says("bob: green TEA")
        await say_many(ann)
        case.relay.says("bob: black tea")
        await ann.sees("black tea")
        await ann.presses("ctrl+f")
        await ann.sees("Search: Enter goes to the older message")
        await ann.types("tea")
        await ann.sees("1 of 2")
        plain = ann.style_at("black").bgcolor
        assert ann.style_at("tea").bgcolor != plain
        await ann.presses("enter")
        await ann.sees("2 of 2", "green TEA")
        assert ann.style_at("TEA").bgcolor != plain
        assert not ann.app._rooms.transcript.following
        await ann.presses("down")
        await ann.sees("1 of 2", "black tea")
        await ann.types("x")
        await ann.sees("not found")
        await ann.presses("escape")
        await ann.misses("Search: Enter")
        await ann.enters("back")
        await ann.sees("ann: back")
        assert ann.style_at("tea").bgcolor == plain


async def test_in_another_room_the_search_is_over(case: Case) -> None:
    async with sit_down(case, create=True) as ann:
        await ann.presses("ctrl+f")
        await ann.sees("Search: Enter")
        ann.app.go_to(case.messenger.enter(entry("other")))
        await ann.misses("Search: Enter")
        await ann.types("typed")
        await ann.sees("│ typed")
