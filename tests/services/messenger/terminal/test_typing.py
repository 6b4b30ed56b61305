"""The line that one types: sending, what was typed before, completion, commands, the count of bytes."""

import pytest
from textual.events import Paste

from messenger.core.conversation import Presence
from services.messenger.core.fake_relay import Case, listing
from services.messenger.terminal.seat import Seat, sit_down


def typed(seat: Seat) -> str:
    return seat.app._rooms.composer.value


async def test_what_was_typed_is_an_arrow_away_but_no_password(case: Case) -> None:
    async with sit_down(case, create=True) as ann:
        for line in ("one", "two", "two", "/password secret"):
            await ann.enters(line)
        await ann.types("draft")
        await ann.presses("up")
        assert typed(ann) == "two"
        await ann.presses("up", "up", "up")
        assert typed(ann) == "one"
        await ann.presses("down", "down")
        assert typed(ann) == "draft"
        await ann.presses("down")
        assert typed(ann) == "draft"
        assert "/password secret" in case.relay.words


async def test_tab_completes_names_and_commands(case: Case) -> None:
    async with sit_down(case, create=True) as ann:
        case.relay.notices(listing("ann (host)", "bob", "bonnie", "ボブ"))
        await ann.types("b")
        await ann.presses("tab")
        assert typed(ann) == "bob: "
        await ann.presses("tab")
        assert typed(ann) == "bonnie: "
        await ann.presses("shift+tab")
        assert typed(ann) == "bob: "
        await ann.types("and ボ")
        await ann.presses("tab")
        assert typed(ann) == "bob: and ボブ "
        await ann.presses("ctrl+u")
        await ann.types("/ki")
        await ann.presses("tab")
        assert typed(ann) == "/kick "
        await ann.types("bon")
        await ann.presses("tab", "enter")
        assert case.relay.words[-1] == "/kick bonnie"


async def test_tab_on_an_empty_line_goes_to_the_lists_and_escape_back(case: Case) -> None:
    async with sit_down(case, size=(120, 24)) as ann:
        await ann.presses("tab")
        assert ann.app.focused
        assert ann.app.focused.id == "rooms"
        await ann.presses("escape")
        assert ann.app.focused is ann.app._rooms.composer


async def test_commands(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.enters("/leaf")
        await ann.sees("Unknown command /leaf. Type /help; start with // to send a slash.", "│ /leaf")
        await ann.presses("ctrl+u")
        await ann.enters("//shrug")
        await ann.sees("ann: /shrug")
        await ann.enters("/help")
        await ann.sees("F1", "/help")
        await ann.presses("end")
        await ann.sees("list the members")
        await ann.presses("escape")
        await ann.enters("/leave")
        await ann.until(lambda: not ann.app.is_running, "The end")
        assert ann.app.left_badly() is None
        assert case.relay.words == ["/who", "/shrug", "/leave"]


async def test_a_relay_that_obeys_nothing_gets_no_commands(case: Case) -> None:
    case.relay.moderation = False
    async with sit_down(case) as ann:
        await ann.enters("/who")
        await ann.sees("This relay has no commands: nothing was sent.", "│ /who")
        assert case.relay.words == []


async def test_a_new_password_is_asked_for_unseen_and_twice(case: Case) -> None:
    async with sit_down(case, create=True) as ann:
        await ann.enters("/password")
        await ann.sees("New password for the room (sent over UDP, not encrypted):")
        await ann.enters("-")
        await ann.sees("- alone can't be a password")
        await ann.enters("sesame")
        await ann.sees("Repeat the password:")
        await ann.enters("another")
        await ann.sees("The passwords differ", "New password for the room (sent over UDP, not encrypted):")
        await ann.enters("sesame")
        await ann.sees("Repeat the password:")
        assert not any("sesame" in line for line in ann.lines)
        await ann.enters("sesame")
        await ann.misses("Repeat the password:")
        assert case.relay.words[-1] == "/password sesame"
        await ann.presses("up")
        assert typed(ann) == ""


async def test_bytes_are_counted_near_the_limit(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.types("あ" * 26)
        await ann.settles()
        assert not any("bytes ─" in line for line in ann.lines)
        await ann.types("あ")
        await ann.sees("81/100 bytes")
        await ann.types("あ" * 7)
        await ann.sees("102/100 bytes")
        assert ann.app._rooms.composer.has_class("-too-long")
        await ann.presses("enter")
        await ann.sees("The message has 102 bytes: use at most 100.")
        assert typed(ann) == "あ" * 34
        await ann.presses("backspace", "enter")
        await ann.sees("ann: あああ")
        assert case.relay.words[-1] == "あ" * 33


@pytest.mark.parametrize(
    ("pasted", "shown"), [("one\ntwo\r\nthree\n", "one⏎two⏎three"), ("a\x9b2J\x1b[b\tc", "a\ufffd2J\ufffd[b c")]
)
async def test_what_is_pasted_is_one_harmless_line(case: Case, pasted: str, shown: str) -> None:
    async with sit_down(case) as ann:
        await ann.types("<>")
        await ann.presses("left")
        assert ann.app._driver
        ann.app._driver.send_message(Paste(pasted))
        await ann.sees(f"│ <{shown}>")
        await ann.presses("enter")
        await ann.sees(f"ann: <{shown}>")


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c", "ctrl+d"])
async def test_keys_that_leave(case: Case, key: str) -> None:
    async with sit_down(case) as ann:
        await ann.presses(key)
        await ann.until(lambda: not ann.app.is_running, "The end")
        assert case.messenger.conversations == [] or ann.room.presence is Presence.OVER
        assert all(link.closed for link in case.relay.links)
        assert ann.app.left_badly() is None


async def test_control_d_in_a_line_deletes(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.types("ab")
        await ann.presses("home", "ctrl+d")
        assert typed(ann) == "b"
        assert ann.app.is_running
