"""The rooms of the form's relay, on the start screen (LIST-01)."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from textual.widgets import Input, OptionList

from chatproto import ListedRoom, Operation
from messenger.core import open_rooms
from messenger.terminal import open_rooms_box
from messenger.terminal.start_screen import Form
from services.messenger.core.fake_relay import Case
from services.messenger.terminal.seat import Seat, sit_down

pytestmark = pytest.mark.requirement("LIST-01")

TEA = ListedRoom("tea", 3, password=True, topic="at four")
MILK = ListedRoom("milk", 1, sealed=True)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait for an address to settle, nor for the next question."""
    monkeypatch.setattr(open_rooms_box, "SETTLE_SECONDS", 0.01)


def start(case: Case, **more: Any) -> AbstractAsyncContextManager[Seat]:
    more.setdefault("form", Form("relay.example", "ann"))
    more.setdefault("size", (100, 40))
    return sit_down(case, start=True, **more)


async def test_rooms_are_shown_with_what_one_chooses_by(case: Case) -> None:
    async with start(case) as ann:
        await ann.until(lambda: case.links.askings)
        await ann.misses("Open rooms")
        assert case.links.tell_rooms(TEA, MILK) == [("relay.example:9000", None)]
        await ann.sees("Open rooms", "tea  3 members · with password · at four", "milk  1 member · sealed")


async def test_by_keys_alone_a_room_is_chosen_and_joined(case: Case) -> None:
    async with start(case) as ann:
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms(TEA, MILK)
        await ann.sees("milk")
        while ann.app.focused is None or ann.app.focused.id != "open-rooms":
            await ann.presses("tab")
        await ann.presses("down", "enter")
        assert ann.app.screen.query_one("#field-room", Input).value == "tea"
        assert ann.app.focused
        assert ann.app.focused.id == "field-password"
        await ann.enters("secret")
        assert case.relay.asked == [(Operation.JOIN, "tea", "ann", "secret")]


async def test_a_room_without_a_password_is_a_key_away(case: Case) -> None:
    async with start(case) as ann:
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms(MILK)
        await ann.sees("milk")
        await ann.clicks_on("milk  1")
        assert ann.app.focused
        assert ann.app.focused.id == "enter"
        await ann.presses("enter")
        assert case.relay.asked == [(Operation.JOIN, "milk", "ann", None)]


async def test_who_has_no_name_is_led_there(case: Case) -> None:
    async with start(case, form=Form("relay.example")) as ann:
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms(MILK)
        await ann.sees("milk")
        await ann.clicks_on("milk  1")
        assert ann.app.focused
        assert ann.app.focused.id == "field-name"


async def test_a_relay_that_lists_none_leaves_no_trace(case: Case) -> None:
    async with start(case, notifications=True) as ann:
        before = ann.lines
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms()
        await ann.pilot.pause()
        assert ann.lines == before


async def test_the_list_is_asked_for_again_and_the_mark_stays(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_rooms.ASK_SECONDS == 10
    monkeypatch.setattr(open_rooms_box, "ASK_SECONDS", 0.05)
    async with start(case) as ann:
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms(TEA, MILK)
        await ann.sees("milk")
        listed = ann.app.screen.query_one("#open-rooms", OptionList)
        listed.focus()
        listed.highlighted = 1
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms(MILK, TEA)
        assert listed.highlighted == 0
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms(TEA)
        await ann.misses("milk")
        assert listed.highlighted is None


async def test_another_relay_or_the_lobby_has_not_the_same_rooms(case: Case) -> None:
    async with start(case) as ann:
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms(TEA)
        await ann.sees("Open rooms")
        ann.app.screen.query_one("#field-server", Input).value = "other.example"
        await ann.misses("Open rooms")
        await ann.until(lambda: case.links.askings)
        assert case.links.tell_rooms(MILK) == [("other.example:9000", None)]
        await ann.sees("Open rooms")
        await ann.clicks_on("Lobby")
        await ann.misses("Open rooms")
        await ann.clicks_on("Join a room")
        await ann.until(lambda: case.links.askings)
        await ann.clicks_on("Encrypt joining")
        await ann.until(lambda: case.links.looks)
        assert case.links.tell_rooms() == []


async def test_a_link_alone_has_nobody_asked(case: Case) -> None:
    async with start(case) as ann:
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms(TEA)
        await ann.sees("Open rooms")
        ann.app.screen._take_invite("chat://192.0.2.7:25/tea")  # type: ignore[attr-defined]
        await ann.misses("Open rooms")
        assert case.links.tell_rooms() == []
        ann.app.screen.query_one("#field-server", Input).value = "192.0.2.7:26"
        await ann.until(lambda: case.links.askings)


async def test_who_is_in_a_room_asks_no_more(case: Case) -> None:
    async with start(case) as ann:
        await ann.until(lambda: case.links.askings)
        ann.app.screen.query_one("#field-room", Input).value = "tea"
        await ann.clicks_on("Enter")
        await ann.until(lambda: ann.app.current)
        await ann.until(lambda: case.links.askings[-1].cancelled)
        assert case.links.tell_rooms(TEA) == []


async def test_hostile_words_stay_in_one_line_and_say_no_more_than_they_are(case: Case) -> None:
    long = ListedRoom("x" * 255, 2**31 - 1, topic="[b]red[/b] " + "y" * 500)
    async with start(case, size=(60, 40)) as ann:
        await ann.until(lambda: case.links.askings)
        case.links.tell_rooms(long, ListedRoom("[red]tea[/red]", 1, topic="שלום [@click=app.quit]x[/]"))
        await ann.sees("[red]tea[/red]", "[@click=app.quit]")
        assert len([line for line in ann.lines if "xxx" in line]) == 1
        assert not any("yyy" in line for line in ann.lines)
        assert all(len(line) <= 60 for line in ann.lines)
