"""What a host can do about members, and others can't; help, themes, and the start screen."""

from functools import partial
from pathlib import Path

import pytest
from textual.events import Paste

from chatbrain import Tls, Transport
from chatproto import Operation
from messenger.core.entry import Field
from messenger.store.recents import Recent, Recents
from messenger.terminal.start_screen import Form
from messenger.terminal.themes import choose_theme
from services.messenger.core.fake_relay import SHOWN, Case, entry, listing
from services.messenger.terminal.seat import sit_down

LIST = listing("ann (host)", "bob", "eve (muted)")


def said_last(case: Case, words: str) -> bool:
    return case.relay.words[-1] == words


async def test_a_host_chooses_what_to_do_about_somebody(case: Case) -> None:
    async with sit_down(case, create=True, size=(120, 30)) as ann:
        case.relay.notices(LIST)
        await ann.sees("3 members", "muted")
        for who, what, command in (
            ("bob", "Mute", "/mute bob"),
            ("bob", "Kick", "/kick bob"),
            ("bob", "Ban", "/ban bob"),
            ("bob", "Make host", "/host bob"),
            ("eve", "Unmute", "/unmute eve"),
        ):
            await ann.clicks_on(who)
            await ann.sees("Mention", what)
            await ann.clicks_on(what)
            await ann.until(partial(said_last, case, command), command)
            await ann.misses("Mention")


async def test_only_a_host_is_asked_for_a_password(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.enters("/password")
        await ann.sees("Only the host sets or removes the room's password", "│ /password")
        assert len(ann.app.screen_stack) == 1


async def test_an_invitation_that_leads_nobody_here_is_said_to(case: Case) -> None:
    async with sit_down(case, None, start=True, form=Form("127.0.0.1", "ann"), size=(120, 30)) as ann:
        await ann.enters("demo")
        await ann.sees("You are in demo")
        await ann.presses("f7")
        await ann.sees("this machine's own")
        assert ann.app.clipboard == "chat://127.0.0.1:9000/demo"


async def test_whose_name_has_a_comma_is_one_person(case: Case) -> None:
    async with sit_down(case, create=True, size=(120, 30)) as ann:
        case.relay.notices(listing("ann (host)", "Doe, John"))
        await ann.sees("2 members", "Doe, John")
        await ann.clicks_on("Doe, John")
        await ann.sees("Mention", "Mute")
        await ann.clicks_on("Mute")
        await ann.until(partial(said_last, case, "/mute Doe, John"), "/mute Doe, John")


async def test_others_are_addressed_and_oneself_is_not(case: Case) -> None:
    async with sit_down(case, size=(120, 30)) as ann:
        case.relay.notices(listing("bob (host)", "ann"))
        await ann.sees("2 members")
        members = ann.app._rooms._members
        members.focus()
        members.highlighted = 1
        await ann.presses("enter")
        assert ann.app._rooms.composer.value == ""
        members.highlighted = 0
        await ann.presses("enter")
        await ann.sees("Mention")
        await ann.presses("enter")
        await ann.sees("│ bob:")
        assert ann.app.focused is ann.app._rooms.composer


async def test_one_ignores_somebody_and_takes_it_back(case: Case) -> None:
    async with sit_down(case, size=(120, 30)) as ann:
        case.relay.notices(listing("bob (host)", "ann", "eve"))
        await ann.sees("3 members")
        await ann.clicks_on("eve")
        await ann.sees("Mention")
        await ann.clicks_on("Ignore")
        await ann.sees("You no longer see what eve says", "eve        ignored")
        case.relay.says("eve: buy!")
        case.relay.says("bob: hello")
        await ann.sees("bob: hello")
        assert not any("buy!" in line for line in ann.lines)
        await ann.clicks_on("eve  ")
        await ann.sees("Mention")
        await ann.clicks_on("Stop ignoring")
        await ann.sees("You see again what eve says.")
        case.relay.says("eve: sorry")
        await ann.sees("eve: sorry")


async def test_the_help_has_keys_and_commands_at_any_size(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.presses("f1")
        await ann.sees("open another room", "switch between light and dark")
        await ann.presses("end")
        await ann.sees("/password")
        await ann.presses("f1")
        await ann.misses("open another room")


async def test_dark_and_light(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.sees("You are in demo")
        dark = ann.style_at("You are in demo").bgcolor
        await ann.presses("f6")
        await ann.until(lambda: not ann.app.current_theme.dark)
        await ann.settles()
        assert ann.style_at("You are in demo").bgcolor != dark
        await ann.presses("f6")
        await ann.until(lambda: ann.app.current_theme.dark)


def test_the_terminal_and_the_person_choose_the_theme() -> None:
    assert choose_theme({}) == "chat-dark"
    assert choose_theme({"COLORFGBG": "0;15"}) == "chat-light"
    assert choose_theme({"COLORFGBG": "15;0"}) == "chat-dark"
    assert choose_theme({"COLORFGBG": "0;15", "TEXTUAL_THEME": "nord"}) == "nord"


async def test_without_colours_everything_can_still_be_told_apart(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with sit_down(case, start=True) as ann:
        await ann.sees("◉ Join a room", "○ Create a room", "☐ Encrypt joining (TLS)")
        assert ann.app.no_color


@pytest.fixture
def recents(tmp_path: Path) -> Recents:
    return Recents(tmp_path / "recents.json")


async def test_the_start_screen_says_what_is_wrong_in_place(case: Case) -> None:
    async with sit_down(case, start=True, form=Form(server="h:99999", name="a:b")) as ann:
        await ann.sees("Online Chat Messenger")
        await ann.clicks_on("Enter")
        await ann.sees("The room name is empty", "The user name has a colon", "is no port")
        assert case.relay.asked == []
        assert ann.app.focused is ann.app.screen.query_one(f"#field-{Field.SERVER}"), "the first that is to be mended"


async def test_one_creates_a_room_with_a_password(case: Case) -> None:
    async with sit_down(case, start=True) as ann:
        await ann.clicks_on("Create a room")
        await ann.clicks_on("the room's name")
        await ann.types("tea")
        await ann.clicks_on("if the room has one")
        await ann.types("sesame")
        assert not any("sesame" in line for line in ann.lines)
        await ann.presses("enter")
        await ann.sees("You created tea")
        assert case.relay.asked == [(Operation.CREATE, "tea", "ann", "sesame")]


async def test_one_enters_the_lobby_which_has_no_room(case: Case) -> None:
    async with sit_down(case, start=True) as ann:
        await ann.clicks_on("Lobby")
        await ann.misses("Password")
        await ann.clicks_on("Enter")
        await ann.sees("Lobby", "Connecting...")


@pytest.mark.parametrize("pasted", [True, False])
async def test_an_invitation_fills_the_form(case: Case, *, pasted: bool) -> None:
    invitation = "chats://relay.example:9000/tea%20room"
    async with sit_down(case, start=True, form=Form(server="here", name="ann")) as ann:
        await ann.clicks_on("here")
        if pasted:
            ann.app.screen.query_one("#field-server").post_message(Paste(f"{invitation}\n"))
        else:
            await ann.presses("ctrl+u")
            await ann.enters(invitation)
        await ann.sees("tea room", "☑ Encrypt joining (TLS)")
        await ann.presses("enter")
        await ann.sees("Checking the certificate...")
        assert ann.room.entry.tls == Tls()


async def test_where_one_was_is_offered_again(case: Case, recents: Recents) -> None:
    async with sit_down(case, "tea", recents=recents) as ann:
        await ann.sees("Connected")
        await ann.until(recents.read, "The file")
        assert recents.read() == [Recent("relay.example:9000", "tea", "ann")]
    async with sit_down(Case(), start=True, recents=recents, form=Form()) as ann:
        await ann.clicks_on("tea at relay.example:9000 as ann")
        await ann.presses("enter")
        await ann.sees("You are in tea as ann.")


@pytest.mark.parametrize("said", [None, Transport.UDP])
async def test_the_transport_that_was_chosen_holds_unless_the_command_line_says_another(
    recents: Recents, said: Transport | None
) -> None:
    recents.remember(entry("tea", transport=Transport.STREAM, tls=Tls()))
    case = Case()
    case.relay.streams = True
    case.messenger.transport = said
    async with sit_down(case, start=True, recents=recents, form=Form()) as ann:
        await ann.clicks_on("tea at relay.example:9000 TLS as ann")
        await ann.presses("enter")
        await ann.sees("Checking the certificate...")
        case.links.show()
        await ann.sees("🔒 Connected, encrypted" if said is None else "You are in tea as ann.")
        assert bool(case.relay.wires) is (said is None)


async def test_another_room_of_the_relay_is_joined_over_tls_too(case: Case) -> None:
    async with sit_down(case, "tea", tls=Tls(fingerprint=SHOWN)) as ann:
        await ann.presses("f2")
        await ann.sees("☑ Encrypt joining (TLS)")
        await ann.presses("escape")
    async with sit_down(Case(), "tea") as ann:
        await ann.presses("f2")
        await ann.sees("☐ Encrypt joining (TLS)")


async def test_a_refused_room_is_not_remembered_and_one_is_forgotten(case: Case, recents: Recents) -> None:
    async with sit_down(case, "tea", recents=recents) as ann:
        await ann.until(recents.read, "The file")
        await ann.presses("f2")
        await ann.sees("tea at relay.example:9000 as ann")
        ann.app.screen.query_one("#recents").focus()
        await ann.presses("down", "delete")
        await ann.misses("tea at relay.example:9000")
        assert recents.read() == []
        await ann.presses("escape")
        await ann.misses("Password")


async def test_the_start_screen_ends_the_app_by_a_button_alone(case: Case) -> None:
    async with sit_down(case, start=True) as ann:
        await ann.presses("escape")
        await ann.clicks_on("Quit")
        await ann.until(lambda: not ann.app.is_running, "The end")
        assert ann.app.left_badly() is None


async def test_what_was_said_is_saved_and_nothing_overwritten_unasked(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "said.txt"
    async with sit_down(case, size=(120, 30)) as ann:
        case.relay.says("bob: hello")
        await ann.sees("bob: hello")
        await ann.enters(f"/export {file}")
        await ann.sees("lines saved to")
        assert "bob: hello" in file.read_text()
        file.write_text("dear")
        await ann.enters(f"/export {file}")
        await ann.sees("Overwrite it?")
        await ann.presses("enter")
        await ann.misses("Overwrite it?")
        assert file.read_text() == "dear"
        await ann.enters(f"/export {file}")
        await ann.sees("Overwrite it?")
        await ann.presses("down", "enter")
        await ann.until(lambda: "bob: hello" in file.read_text(), "The new file")


async def test_without_a_name_one_is_offered(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with sit_down(case, size=(120, 30)) as ann:
        await ann.enters("/export")
        await ann.sees("Save the messages in this file:", "demo 2026-01-02.txt")
        await ann.presses("enter")
        await ann.sees("line saved to demo 2026-01-02.txt")
        assert (tmp_path / "demo 2026-01-02.txt").exists()


def kept(recents: Recents, room: str) -> bool:
    return any(recent.room == room for recent in recents.read())


async def test_rooms_are_opened_again_where_one_was_at_the_end(case: Case, recents: Recents) -> None:
    async with sit_down(case, start=True, recents=recents, size=(100, 30)) as ann:
        await ann.sees("Your name")
        for room in ("tea", "garden", "left"):
            ann.app.go_to(case.messenger.enter(entry(room)))
            await ann.until(partial(kept, recents, room), room)
        ann.app.remove_room(ann.room)
        await ann.presses("ctrl+q")
        await ann.until(lambda: not ann.app.is_running, "The end")
    again = Case()
    async with sit_down(again, start=True, recents=recents, size=(100, 30)) as ann:
        await ann.sees("● garden", "● tea")
        assert [room for _, room, _, _ in again.relay.asked] == ["garden", "tea"]
        assert not recents.take_open(), "another one doesn't come in as well"


async def test_who_says_where_to_go_comes_in_nowhere_else(case: Case, recents: Recents) -> None:
    recents.remember(entry("tea"))
    recents.keep_open([entry("tea")])
    async with sit_down(case, "demo", recents=recents) as ann:
        await ann.sees("Connected")
        assert [room for _, room, _, _ in case.relay.asked] == ["demo"]
        await ann.presses("ctrl+q")
        await ann.until(lambda: not ann.app.is_running, "The end")
    assert [recent.room for recent in recents.take_open()] == ["tea"]


async def test_a_bookmark_is_offered_by_its_name(case: Case, recents: Recents) -> None:
    async with sit_down(case, "tea", recents=recents, size=(100, 30)) as ann:
        await ann.enters("/bookmark Five o'clock")
        await ann.sees("Bookmarked as Five o'clock.")
        await ann.presses("f2")
        await ann.sees("★ Five o'clock  tea at relay.example:9000 as ann")
        await ann.presses("escape")
        await ann.enters("/bookmark -")
        await ann.sees("The bookmark is removed.")


async def test_a_damaged_list_of_rooms_is_said(case: Case, recents: Recents) -> None:
    recents.path.parent.mkdir(exist_ok=True)
    recents.path.write_text("{")
    async with sit_down(case, start=True, recents=recents, size=(120, 30), notifications=True) as ann:
        await ann.sees("is damaged")
