"""Sealed rooms on a screen: how one makes one, how one comes in, and how one sees that it is sealed (SEAL-01)."""

from typing import Final

import pytest
from textual.events import Paste
from textual.widgets import Input

from chatproto import Status
from chatproto.sealing import RoomKey, Sealer
from messenger.core.invite import parse_invite
from messenger.terminal.start_screen import Form
from services.messenger.core.fake_relay import Case
from services.messenger.terminal.seat import sit_down

KEY: Final = RoomKey(bytes(range(16)))
LINK: Final = f"chat://relay.example:9000/tea#k={KEY.text}"


@pytest.fixture
def case() -> Case:
    case = Case()
    case.relay.limit = 400
    return case


@pytest.mark.requirement("SEAL-01", "SEAL-03")
async def test_one_creates_a_sealed_room_and_copies_its_invitation(case: Case) -> None:
    async with sit_down(case, start=True, form=Form("relay.example", "ann"), size=(120, 30)) as ann:
        await ann.misses("Seal")
        await ann.clicks_on("Create a room")
        await ann.clicks_on("Seal: only members with the key can read")
        await ann.clicks_on("the room's name")
        await ann.types("tea")
        await ann.presses("enter")
        key = ann.room.entry.key
        assert key
        await ann.sees("You created tea", f"Sealed, key {key.fingerprint}", "F7 copies an invitation")
        await ann.presses("f7")
        await ann.until(lambda: ann.app.clipboard, "The invitation")
        assert parse_invite(ann.app.clipboard).key == key
        await ann.sees("which isn't shown here")
        assert not any(key.text in line for line in ann.lines)


@pytest.mark.requirement("SEAL-02", "SEAL-04")
@pytest.mark.parametrize("field", ["server", "room"])
async def test_an_invitation_with_a_key_opens_the_room(case: Case, field: str) -> None:
    async with sit_down(case, start=True, form=Form(server="here", name="ann"), size=(120, 30)) as ann:
        await ann.clicks_on("here")
        ann.app.screen.query_one(f"#field-{field}").post_message(Paste(LINK))
        await ann.sees("tea", "relay.example:9000")
        assert not any(KEY.text in line for line in ann.lines)
        await ann.presses("enter")
        await ann.sees("You are in tea", f"Sealed, key {KEY.fingerprint}")
        case.relay.says(f"bob: {Sealer(KEY, 'tea', 'bob', bytes(8)).seal('hello').text}")
        await ann.sees("hello")
        case.relay.says("bob: in the clear")
        await ann.sees("A message from bob isn't sealed")
        assert not any("in the clear" in line for line in ann.lines)


async def test_a_part_of_an_invitation_is_no_rooms_name(case: Case) -> None:
    async with sit_down(case, start=True, form=Form(server="here", name="ann"), size=(120, 30)) as ann:
        await ann.clicks_on("here")
        ann.app.screen.query_one("#field-room").post_message(Paste(LINK[:-1]))
        await ann.until(lambda: ann.app.screen.query_one("#field-room", Input).value, "The text")
        await ann.clicks_on("Enter")
        await ann.sees("An invitation is no room's name: copy all of it", "join by it.")
        assert not case.relay.asked


async def test_who_goes_elsewhere_takes_no_key_along(case: Case) -> None:
    async with sit_down(case, start=True, form=Form(server="here", name="ann"), size=(120, 30)) as ann:
        await ann.clicks_on("here")
        ann.app.screen.query_one("#field-server").post_message(Paste(LINK))
        await ann.sees("relay.example:9000")
        await ann.clicks_on("tea")
        await ann.types("2")
        await ann.presses("enter")
        await ann.until(lambda: case.relay.asked, "The request")
        assert ann.room.entry.room == "2tea"
        assert ann.room.entry.key is None


@pytest.mark.requirement("SEAL-04")
async def test_who_was_refused_comes_in_by_the_invitation(case: Case) -> None:
    case.relay.verdict = Status.SEALED
    async with sit_down(case, "tea", size=(120, 30)) as ann:
        await ann.sees("The room is sealed: only members with its key can read it.")
        case.relay.verdict = Status.OK
        await ann.presses("f2")
        await ann.sees("Create a room")
        ann.app.screen.query_one("#field-server").post_message(Paste(LINK))
        await ann.until(lambda: ann.app.screen.query_one("#field-server", Input).value == "relay.example:9000")
        await ann.clicks_on("Enter")
        await ann.sees(f"Sealed, key {KEY.fingerprint}")
        assert len(case.messenger.conversations) == 1
