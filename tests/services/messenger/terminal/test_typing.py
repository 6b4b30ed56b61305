"""The line that one types: sending, what was typed before, completion, commands, the count of bytes."""

import pytest
from textual.events import Paste

from chatbrain import Tls
from messenger.core.facts import Presence
from services.messenger.core.fake_relay import SHOWN, Case, listing
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
    async with sit_down(case, size=(80, 30)) as ann:
        await ann.enters("/leaf")
        await ann.sees("Unknown command /leaf. Type /help; start with // to send a slash.", "│ /leaf")
        await ann.enters("//shrug")
        await ann.sees("ann: /shrug")
        await ann.enters("/help")
        await ann.sees("this help")
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


async def test_a_new_password_that_travels_encrypted_is_asked_for_without_a_warning(case: Case) -> None:
    case.relay.streams = True
    async with sit_down(case, create=True, tls=Tls(fingerprint=SHOWN)) as ann:
        await ann.enters("/password")
        await ann.sees("New password for the room:")


async def test_a_new_password_is_asked_for_unseen_and_twice(case: Case) -> None:
    async with sit_down(case, create=True) as ann:
        await ann.enters("/password")
        await ann.sees("New password for the room (sent unencrypted):")
        await ann.enters("-")
        await ann.sees("- alone can't be a password")
        await ann.enters("sesame")
        await ann.sees("Repeat the password:")
        await ann.enters("another")
        await ann.sees("The passwords differ", "New password for the room (sent unencrypted):")
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
async def test_what_is_pasted_is_one_harmless_message(case: Case, pasted: str, shown: str) -> None:
    async with sit_down(case) as ann:
        await ann.types("<>")
        await ann.presses("left")
        assert ann.app._driver
        ann.app._driver.send_message(Paste(pasted))
        first, *others = shown.split("⏎")
        await ann.sees(*(f"│ {line}" for line in f"<{shown}>".split("⏎")))
        await ann.presses("enter")
        await ann.sees(f"ann: <{first}", *(f"      {line}" for line in others))
        assert case.relay.words[-1] == f"<{shown}>"


async def test_alt_enter_begins_a_line_and_line_breaks_are_shown(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.types("one")
        await ann.presses("alt+enter")
        await ann.types("two")
        await ann.sees("│ one ", "│ two ")
        await ann.presses("enter")
        await ann.sees("ann: one⏎", "      two")
        await ann.misses("│ two ")
        assert case.relay.words[-1] == "one⏎two"
        case.relay.says("bob: " + "\n".join(map(str, range(70))))
        await ann.sees("       60⏎61⏎62")


async def test_the_field_grows_with_what_is_typed_up_to_a_third_of_the_screen(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.enters("before")
        field = ann.app._rooms.composer
        await ann.types("word " * 20)
        assert field.size.height == 2
        ann.app._rooms.composer.take("\n".join(map(str, range(60))))
        await ann.until(lambda: field.outer_size.height > 4, "More rows")
        assert field.outer_size.height == int(0.33 * ann.app.size.height)
        await ann.sees("│ 55 ", "│ 59 ")
        await ann.presses("ctrl+u")
        await ann.until(lambda: field.size.height == 1, "A single row")
        assert typed(ann) == ""


async def test_arrows_go_through_rows_and_then_to_what_was_typed_before(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.enters("before")
        await ann.types("one")
        await ann.presses("alt+enter")
        await ann.types("two")
        await ann.presses("up")
        await ann.types("!")
        assert typed(ann) == "one!⏎two"
        await ann.presses("up")
        assert typed(ann) == "before"
        await ann.presses("down")
        assert typed(ann) == "one!⏎two"
        await ann.presses("up", "down")
        await ann.types("?")
        assert typed(ann) == "one!⏎two?"


async def test_the_keys_of_the_app_stay_its_own_while_one_types(case: Case) -> None:
    async with sit_down(case, notifications=True) as ann:
        await ann.types("half a")
        was_dark = ann.app.current_theme.dark
        await ann.presses("f6")
        assert ann.app.current_theme.dark is not was_dark
        await ann.presses("f7")
        await ann.sees("Invitation copied.")
        await ann.types(" word")
        assert typed(ann) == "half a word"


LEAVING = ("ctrl+q", "ctrl+c", "ctrl+d", "/leave")


@pytest.mark.parametrize("way", LEAVING)
async def test_a_host_who_is_not_alone_is_asked_before_the_room_closes(case: Case, way: str) -> None:
    async with sit_down(case, create=True, size=(120, 30)) as ann:
        case.relay.notices(listing("ann (host)", "bob"))
        await ann.sees("2 members")
        for answer in ("enter", "escape"):  # what is marked first is to stay
            await (ann.enters(way) if way.startswith("/") else ann.presses(way))
            await ann.sees("You are the host", "Stay")
            await ann.presses(answer)
            await ann.misses("Stay")
        assert ann.room.presence is Presence.HERE
        await (ann.enters(way) if way.startswith("/") else ann.presses(way))
        await ann.sees("Stay")
        await ann.presses("down", "enter")
        await ann.until(lambda: not ann.app.is_running, "The end")
        assert case.relay.words[-1] == "/leave"


async def test_who_wants_out_twice_gets_out(case: Case) -> None:
    async with sit_down(case, create=True, size=(120, 30)) as ann:
        case.relay.notices(listing("ann (host)", "bob"))
        await ann.sees("2 members")
        await ann.presses("ctrl+c", "ctrl+c")
        await ann.until(lambda: not ann.app.is_running, "The end")


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
