"""Coming in, talking, and what stands where."""

import pytest

from chatproto import MemberJoined, MemberLeft, Status, Topic, encode_lobby
from messenger.core.facts import Presence
from services.messenger.core.fake_relay import Case, listing
from services.messenger.terminal.seat import sit_down


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_both_ways(case: Case, size: tuple[int, int]) -> None:
    async with sit_down(case, create=True, size=size) as ann:
        await ann.sees(
            " demo", "Connected", "2026-01-02", "12:00 You created demo and are its host, as ann", "ann (host)"
        )
        case.relay.says("bob: hello")
        await ann.sees(" 12:00 bob: hello")
        await ann.enters("hi bob")
        await ann.sees("✓12:00 ann: hi bob")
        assert case.relay.words[-1] == "hi bob"
        assert sum("hi bob" in line for line in ann.lines) == 1
        assert all(len(line) <= size[0] for line in ann.lines)


async def test_the_lobby(case: Case) -> None:
    async with sit_down(case, None) as ann:
        await ann.sees("Lobby", "Connecting...")
        case.links.pass_time(1.0)
        await ann.sees("You are in the lobby as ann, if it is there: nothing has been heard", "Nothing heard yet")
        case.relay.links[-1].receive(encode_lobby(b"bob", b"hi"))
        await ann.sees("bob: hi", "Connected")
        case.links.pass_time(50.0)  # so that it is looked for from another port
        await ann.sees("Nothing heard since 12:00")
        case.relay.links[-1].receive(encode_lobby(b"bob", b"are you there?"))
        await ann.sees("bob: are you there?", "Connected")


async def test_who_is_there_stands_at_the_side(case: Case) -> None:
    async with sit_down(case, create=True, size=(120, 24)) as ann:
        case.relay.notices(listing("ann (host)", "bob"))
        await ann.sees("2 members", "ann           host", "bob")
        case.relay.notices(MemberJoined("ボブ"))
        await ann.sees("3 members", "ボブ joined")
        case.relay.notices(MemberLeft("bob"))
        await ann.sees("2 members", "bob left")


async def test_the_topic_stands_above(case: Case) -> None:
    async with sit_down(case) as ann:
        case.relay.notices(Topic("tea, and nothing else"))
        await ann.sees("demo  tea, and nothing else")


async def test_japanese_lines_up_and_breaks_where_it_may(case: Case) -> None:
    async with sit_down(case) as ann:
        case.relay.says("ボブ: " + "今日はいい天気ですね。" * 8)
        await ann.sees("12:00 ボブ: 今日は")
        rows = [line.strip("▎ ") for line in ann.lines if "天気" in line]
        assert len(rows) == 3
        assert not any(row.startswith("。") for row in rows)
        await ann.types("こんにちは")
        await ann.sees("│ こんにちは")
        await ann.presses("enter")
        await ann.sees("✓12:00 ann: こんにちは")


@pytest.mark.parametrize("size", [(80, 24), (100, 24), (120, 24)])
async def test_a_long_word_is_shown_whole(case: Case, size: tuple[int, int]) -> None:
    async with sit_down(case, size=size) as ann:
        case.relay.says("bob: " + "x" * 300)
        await ann.until(lambda: sum(line.count("x") for line in ann.lines[:-1]) == 300, "All of it")


async def test_wide_text_that_is_typed_is_broken_between_its_letters(case: Case) -> None:
    async with sit_down(case) as ann:
        await ann.types("あ" * 45 + "x")
        rows = [line for line in ann.lines if "│ あ" in line]
        assert [row.count("あ") for row in rows] == [37, 8]
        assert "あx" in rows[1]


async def test_nothing_is_read_as_markup_or_drives_the_screen(case: Case) -> None:
    async with sit_down(case, "[u]room[/u]", create=True, size=(120, 24), name="[i]ann[/i]") as ann:
        await ann.sees("● [u]room[/u]", "─ [i]ann[/i] (host) ─")
        assert ann.lines[0].startswith(" [u]room[/u]")
        for text in ("[bold]loud[/bold]", "[@click=app.leave_all]x[/]", "[/", "\x1b[2Jgone", "a\u202eb", "tab\there"):
            case.relay.says(f"[red]eve[/]: {text}")
        case.relay.notices(Topic("[reverse]topic[/]\x1b]0;title\x07"))
        case.relay.notices(MemberJoined("[b]mallory[/b]"))
        await ann.sees(
            "[red]eve[/]: [bold]loud[/bold]",
            "[red]eve[/]: [@click=app.leave_all]x[/]",
            "[red]eve[/]: [/",
            "[red]eve[/]: \ufffd[2Jgone",
            "[red]eve[/]: a\ufffdb",
            "[red]eve[/]: tab here",
            "[reverse]topic[/]\ufffd]0;title\ufffd",
            "[b]mallory[/b] joined",
        )
        await ann.until(lambda: any(line.endswith(" [b]mallory[/b]") for line in ann.lines), "The member")
        await ann.clicks_on("x[/]")
        await ann.settles()
        assert ann.room.presence is Presence.HERE


async def test_links_are_underlined_and_a_click_copies_them_where_no_browser_can_be(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "somewhere")
    async with sit_down(case, notifications=True) as ann:
        case.relay.says("bob: look at https://example.org/tea now")
        await ann.sees("https://example.org/tea")
        assert ann.style_at("https://example.org").underline
        assert not ann.style_at(" now").underline
        await ann.clicks_on("example.org")
        await ann.until(lambda: ann.app.clipboard == "https://example.org/tea", "The link")
        await ann.sees("Link copied.")


async def test_what_is_selected_is_copied_as_it_was_said(case: Case) -> None:
    async with sit_down(case, notifications=True) as ann:
        said = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
        case.relay.says(f"bob: {said}")
        case.relay.says("eve: next")
        await ann.sees("bob: one", "eve: next")
        first = next(number for number, line in enumerate(ann.lines) if "bob: one" in line)
        await ann.pilot.mouse_down(offset=(7, first))
        await ann.pilot.hover(offset=(16, first + 2))
        await ann.pilot.mouse_up(offset=(16, first + 2))
        await ann.presses("ctrl+c")
        await ann.until(lambda: ann.app.clipboard, "What is copied")
        assert ann.app.clipboard == f"bob: {said}\n12:00 eve: next"
        await ann.sees("Copied.")
        assert ann.room.presence is Presence.HERE


async def test_code_stands_on_a_ground_of_its_own(case: Case) -> None:
    async with sit_down(case) as ann:
        case.relay.says("bob: use `make run` here")
        await ann.sees("bob: use `make run` here")
        ground = ann.style_at("use").bgcolor
        assert ann.style_at("make run").bgcolor != ground
        assert ann.style_at("here").bgcolor == ground


async def test_one_replies_by_a_key_to_an_older_message_each_time(case: Case) -> None:
    async with sit_down(case, create=True) as ann:
        case.relay.says("bob: tea?")
        case.relay.says("eve: coffee!")
        await ann.sees("eve: coffee!")
        await ann.presses("ctrl+r")
        await ann.sees("│ > eve: coffee! ")
        await ann.presses("ctrl+r")
        await ann.sees("│ > bob: tea? ")
        await ann.enters("yes")
        await ann.sees("✓12:00 ann: > bob: tea?⏎", "▎      yes")
        assert case.relay.words[-1] == "> bob: tea?⏎yes"
        assert ann.style_at("bob: tea?⏎").italic


async def test_one_replies_to_a_message_by_its_menu(case: Case) -> None:
    async with sit_down(case, create=True, notifications=True) as ann:
        case.relay.says("bob: tea?")
        await ann.sees("bob: tea?")
        await ann.clicks_on("12:00 bob")
        await ann.sees("Reply", "Copy the message", "Mention")
        await ann.presses("enter")
        await ann.sees("│ > bob: tea? ")
        await ann.clicks_on("12:00 bob")
        await ann.sees("Copy the message")
        await ann.presses("down", "enter")
        await ann.until(lambda: ann.app.clipboard == "tea?", "The copy")
        await ann.sees("Copied.")


async def test_what_the_program_says_has_no_menu(case: Case) -> None:
    async with sit_down(case, create=True) as ann:
        await ann.clicks_on("12:00 You created")
        await ann.pilot.pause()
        assert ann.app.screen is ann.app._rooms


async def test_a_selection_that_ends_on_a_time_opens_no_menu(case: Case) -> None:
    async with sit_down(case, create=True) as ann:
        case.relay.says("bob: tea?")
        await ann.sees("12:00 bob: tea?")
        row = next(number for number, line in enumerate(ann.lines) if "bob: tea?" in line)
        await ann.pilot.mouse_down(offset=(14, row))
        await ann.pilot.hover(offset=(3, row))
        await ann.pilot.mouse_up(offset=(3, row))
        await ann.pilot.pause()
        assert ann.app.screen.get_selected_text()
        assert ann.app.screen is ann.app._rooms
        await ann.pilot.click(offset=(3, row))
        await ann.sees("Reply")


async def test_the_bar_beside_ones_own_message_says_whether_the_relay_has_it(case: Case) -> None:
    async with sit_down(case) as ann:
        case.relay.answers = False
        await ann.enters("one")
        await ann.sees("…12:00 ann: one")
        case.relay.answers = True
        case.links.pass_time(1.0)
        await ann.sees("✓12:00 ann: one")
        case.relay.refusal = "muted"
        await ann.enters("two")
        await ann.sees("!12:00 ann: two", "1 message was not delivered (you are muted).", "Send again")
        case.relay.refusal = ""
        await ann.types("three")
        await ann.presses("f8")
        await ann.sees("✓12:00 ann: two", "│ three")
        await ann.misses("Send again")
        await ann.presses("f8")  # where nothing is offered it does nothing
        await ann.sees("│ three")


async def test_a_relay_that_is_not_heard_is_told_and_one_key_tries_at_once(case: Case) -> None:
    async with sit_down(case) as ann:
        case.relay.answers = False
        case.relay.verdict = Status.NAME_TAKEN  # one's own
        await ann.enters("anybody?")
        case.links.pass_time(4.6)
        await ann.sees("…12:00 ann: anybody?", "can't be heard over UDP", "try another network", "Try now")
        await ann.types("is ")
        case.relay.answers = True
        await ann.presses("f8")
        case.links.pass_time(0.1)
        await ann.sees("Connected", "│ is")
