"""Invitations for this program and for browsers, there and back (WEB-05)."""

import pytest

from chatbrain import Tls
from chatproto.sealing import RoomKey
from messenger.terminal.start_screen import Form
from services.messenger.core.fake_relay import Case
from services.messenger.terminal.seat import sit_down

PAGE = "https://relay.example/#port=9001"
KEY = RoomKey(bytes(16))


@pytest.mark.requirement("WEB-05")
async def test_one_chooses_for_whom_an_invitation_is(case: Case) -> None:
    case.relay.web = PAGE
    async with sit_down(case, "tea") as ann:
        await ann.sees("Connected")
        await ann.presses("f7")
        await ann.sees("Which invitation?", "For chat and chat-desktop", "For browsers")
        await ann.presses("enter")
        await ann.until(lambda: ann.app.clipboard == "chat://relay.example:9000/tea", "The invitation")
        await ann.presses("f7")
        await ann.sees("For browsers")
        await ann.presses("down", "enter")
        await ann.until(lambda: ann.app.clipboard == "https://relay.example/#room=tea&port=9001", "The other one")
        await ann.sees("Link for browsers copied: https://relay.example/#room=tea&port=9001")


async def test_that_an_invitation_is_copied_is_said_and_stands_in_no_room(case: Case) -> None:
    async with sit_down(case, "tea", notifications=True) as ann:
        await ann.sees("Connected")
        end = ann.room.history.end
        await ann.presses("f7")
        await ann.sees("Invitation copied.")
        assert ann.app.clipboard == "chat://relay.example:9000/tea"
        assert ann.room.history.end == end


@pytest.mark.requirement("WEB-05", "SEAL-01")
async def test_a_key_is_copied_and_not_shown_and_escape_copies_nothing(case: Case) -> None:
    case.relay.web = PAGE
    async with sit_down(case, "tea", key=KEY) as ann:
        await ann.sees("Connected")
        await ann.presses("f7")
        await ann.sees("For browsers")
        await ann.presses("escape")
        await ann.misses("For browsers")
        assert ann.app.clipboard == ""
        await ann.presses("f7")
        await ann.sees("For browsers")
        await ann.presses("down", "enter")
        await ann.sees("copied link has the room's key")
        assert ann.app.clipboard == f"https://relay.example/#room=tea&k={KEY.text}&port=9001"
        assert not any(KEY.text in line for line in ann.lines)


@pytest.mark.parametrize(("scheme", "tls"), [("https", True), ("http", False)])
async def test_the_pages_link_fills_the_form(case: Case, scheme: str, *, tls: bool) -> None:
    async with sit_down(case, start=True, form=Form(server="here", name="ann")) as ann:
        await ann.clicks_on("here")
        await ann.presses("ctrl+u")
        await ann.enters(f"{scheme}://relay.example:9080/#room=tea%20room")
        await ann.sees("relay.example:9000", "tea room", "☑ Encrypt" if tls else "☐ Encrypt")
        await ann.presses("enter")
        await ann.until(lambda: ann.app.current)
        assert ann.room.entry.tls == (Tls() if tls else None)
