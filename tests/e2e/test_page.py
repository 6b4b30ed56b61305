"""The page in a real browser, beside the programs and a plain client (WEB-01 to WEB-04, STR-06, LIST-01)."""

import signal
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.people import People
from conformance.relays import OwnRelay
from conftest import AXE
from e2e.markup import DIRECTION_SIGNS, HOSTILE, OWN_ELEMENTS, STRANGE
from e2e.piped import Chat
from e2e.streaming import RefusedError, StreamMember
from ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from playwright.sync_api import Browser

    from e2e.browsing import Visitors

pytestmark = pytest.mark.needs("chromium")
SETTINGS: Final = {"RELAY_LIST_ROOMS": "true", "RELAY_MAX_MEMBERS_PER_ROOM": "300"}
MESSAGES: Final = 200
RELOADS: Final = 4
PASSWORD: Final = "open sesame"
OVERFLOWS: Final = """() => [document.documentElement, ...document.querySelectorAll(".log, start-page, member-list")]
  .filter((element) => element.scrollWidth > element.clientWidth).map((element) => element.tagName)"""
COVERED: Final = """() => [...document.querySelectorAll("article > .icon")].filter((icon) => {
  const bubble = icon.parentElement.querySelector(".bubble").getBoundingClientRect();
  const { left, right, top, bottom } = icon.querySelector(".picture").getBoundingClientRect();
  return left < bubble.right - 6 && right > bubble.left + 6 && top < bubble.bottom && bottom > bubble.top;
}).length"""
"""Counts bubbles in which the button of their own line's menu lies over what is said."""
FINDINGS: Final = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.map(
  ({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`)])"""


def browsing() -> "ModuleType":
    from e2e import browsing  # noqa: PLC0415 - Playwright takes a while to import, and not every worker needs it

    return browsing


@pytest.fixture(scope="module")
def web_settings() -> dict[str, str]:
    return SETTINGS


def test_pages_and_chat_and_a_plain_client_hear_one_another_once(
    own: OwnRelay, visitors: "Visitors", chat: Callable[..., Chat], room: str
) -> None:
    ann = visitors.open().enter(room, "ann", create=True)
    bob = visitors.open().enter(room, "bob")
    cem = chat("join", room, "--name", "cem", "--server", f"127.0.0.1:{own.relay.tcp_port}")
    cem.is_told("You are in")
    with People(own.relay) as people:
        dot = people.join(room.encode(), b"dot")
        ann.say("from ann")
        cem.hears("ann: from ann")
        bob.say("from bob")
        cem.hears("bob: from bob")
        cem.say("from cem")
        assert [dot.hear() for _ in range(3)] == [b"ann: from ann", b"bob: from bob", b"cem: from cem"]
        dot.say(b"from dot")
        cem.hears("dot: from dot")
        cem.say("the last word")
        assert dot.hear() == b"cem: the last word"
        for page in (ann, bob):
            page.hears_last("the last word")
            assert page.all_said() == ["from ann", "from bob", "from cem", "from dot", "the last word"]
            page.members_are(["ann", "bob", "cem", "dot"])
            assert not page.faults


def test_a_wrong_password_is_said_and_the_right_one_lets_in(own: OwnRelay, visitors: "Visitors", room: str) -> None:
    with StreamMember(own.relay, room, "ann", create=True, password=PASSWORD) as ann:
        ann.speak_up()
        bob = visitors.open()
        bob.is_offered(room, "1 member · with password")
        bob.ask(room, "bob", password="close sesame")
        bob.is_refused("The password is wrong. Try again, or ask the host for it.")
        bob.may_mend("Password")
        bob.enter(room, "bob", password=PASSWORD)
        bob.page.get_by_title("New room").click()
        bob.may_fill_in("Password")
        assert not bob.faults


def test_when_the_host_leaves_the_page_says_so(visitors: "Visitors", room: str) -> None:
    ann = visitors.open().enter(room, "ann", create=True)
    bob = visitors.open().enter(room, "bob")
    ann.members_are(["ann", "bob"])
    ann.say("/leave")
    ann.page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    bob.is_warned("The host left, so the room closed. Create it again, or join another room.")
    bob.page.get_by_role("button", name="Create the room").click()
    bob.is_connected()
    assert not ann.faults + bob.faults


def test_a_reload_keeps_the_seat_and_loses_nothing(own: OwnRelay, visitors: "Visitors", room: str) -> None:
    said = [f"message {number}" for number in range(MESSAGES)]
    block = MESSAGES // RELOADS
    with StreamMember(own.relay, room, "ann", create=True) as ann:
        ann.speak_up()
        bob = visitors.open().enter(room, "bob")
        for first in range(0, MESSAGES, block):
            for number in range(first, first + block):
                if number == first + block // 2:
                    bob.evaluate("() => location.reload()")  # which doesn't wait: what follows comes to no page at all
                ann.send(say=said[number], n=number + 1)
            bob.hears_last(said[first + block - 1])
        assert bob.all_said() == said
        bob.say("the last word")
        heard = ann.hear_up_to("the last word")
        assert [line["notice"] for line in heard if "notice" in line] == ["member_joined"]
        assert not bob.faults


def test_when_the_relay_was_killed_and_started_again_the_page_comes_back(
    browser: "Browser", tmp_path: "Path", room: str
) -> None:
    (port,) = free_ports(1)
    settings = {**SETTINGS, "RELAY_WEB_PORT": str(port)}
    with ExitStack() as stack:
        visitors = stack.enter_context(browsing().Visitors(browser, f"http://127.0.0.1:{port}/"))
        first = OwnRelay(tmp_path / "first", settings)
        stack.callback(first.process.kill)
        ann = visitors.open().enter(room, "ann", create=True)
        bob = visitors.open().enter(room, "bob")
        first.process.kill()
        first.process.wait()
        for page in (ann, bob):
            page.is_warned("Reconnecting")
        bob.say("typed meanwhile")
        second = OwnRelay(tmp_path / "second", settings)
        stack.callback(second.stop)
        for page in (ann, bob):
            page.is_connected()
        ann.hears("typed meanwhile")
        ann.say("here again")
        bob.hears("here again")


def test_the_list_of_open_rooms_is_fresh(own: OwnRelay, visitors: "Visitors", room: str) -> None:
    bob = visitors.open()
    bob.is_not_offered(room)
    with StreamMember(own.relay, room, "ann", create=True) as ann:
        ann.speak_up()
        ann.send(say="/topic come in", n=1)
        bob.is_offered(room, "come in")
        row = bob.page.locator("open-rooms button", has_text=room)
        row.focus()
        ann.send(say="/topic or don't", n=2)
        bob.is_offered(room, "or don't")
        assert row.evaluate("row => row === document.activeElement")
        ann.send(leave=True)
    bob.is_not_offered(room)
    own_room = f"{room} of bob"
    bob.enter(own_room, "bob", create=True)
    bob.say("/leave")
    bob.is_not_offered(own_room)
    assert not bob.faults


def test_the_keyboard_is_enough(own: OwnRelay, visitors: "Visitors", room: str) -> None:
    kim = visitors.open()
    keys = kim.page.keyboard
    keys.type("kim")
    keys.press("Tab")
    keys.type(room)
    keys.press("Enter")
    kim.is_refused("There is no room with this name.")
    for key in ("Tab", "Tab", "Enter"):  # past the password to the button that creates it
        keys.press(key)
    kim.is_connected()
    keys.type("by keys")
    own.process.send_signal(signal.SIGSTOP)
    try:
        keys.press("Enter")
        kim.hears("by keys")
        for key in ("Shift+Tab", "ArrowUp"):  # the log, its newest line
            keys.press(key)
    finally:
        own.process.send_signal(signal.SIGCONT)
    kim.all_are_taken()
    keys.press("Enter")  # the line has the focus still, although it looks different now
    kim.menu_is_open()
    keys.press("Enter")
    kim.writes("> kim: by keys")
    keys.press("Control+A")
    keys.type("/leave")
    keys.press("Enter")
    kim.is_at_start()
    assert not kim.faults


def test_nothing_is_wider_than_the_smallest_phone(own: OwnRelay, visitors: "Visitors", room: str) -> None:
    long_word = "w" * 200
    with StreamMember(own.relay, room, "n" * 60, create=True) as ann:
        ann.speak_up()
        ann.send(say=f"/topic {long_word}", n=1)
        bob = visitors.open(browsing().SMALL_PHONE, is_mobile=True, has_touch=True)
        assert bob.evaluate(OVERFLOWS) == []
        bob.enter(room, "bob")
        ann.send(say=f"{long_word} https://a.example/{long_word} `{long_word}`", n=2)
        ann.send(say=f"```\n{long_word}\n```", n=3)
        ann.send(say="the last word", n=4)
        bob.hears("the last word")
        bob.say(long_word)
        assert bob.evaluate(OVERFLOWS) == []
        assert bob.evaluate(COVERED) == 0
        for button in ("Members", "Back to the messages", "Back to the rooms", "New room"):
            bob.page.get_by_title(button, exact=True).locator("visible=true").click()
            assert bob.evaluate(OVERFLOWS) == [], button
        assert not bob.faults


@pytest.mark.parametrize("size", [(320, 400), (740, 360)], ids=["keyboard", "landscape"])
def test_where_there_is_little_room_nothing_lies_over_what_was_told(
    visitors: "Visitors", room: str, size: tuple[int, int]
) -> None:
    """Look at an empty room as with a phone's keyboard open, and with the phone on its side."""
    bob = visitors.open(size, is_mobile=True, has_touch=True).enter(room, "bob", create=True)
    bob.is_silent_about("No messages yet")
    bob.page.set_viewport_size({"width": 700, "height": 900})
    bob.invites_to_write("No messages yet")


@pytest.mark.needs("axe")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["DESK", "SMALL_PHONE"])
def test_axe_finds_nothing(visitors: "Visitors", room: str, scheme: str, size: str) -> None:
    """Run axe-core, which checks contrasts, labels, roles and the order of headings, where people come by."""
    # What fades in has little contrast at first.
    bob = visitors.open(getattr(browsing(), size), color_scheme=scheme, reduced_motion="reduce")
    bob.evaluate(AXE.read_text())
    seen = {"start": bob.evaluate(FINDINGS)}
    bob.ask(room, "bob")
    bob.is_refused("There is no room with this name.")
    seen["refused"] = bob.evaluate(FINDINGS)
    ann = visitors.open().enter(room, "ann", create=True)
    bob.enter(room, "bob")
    for text in ("see https://a.example/x, bob", "> bob: quoted\n`code`", "```\na block\n```"):
        ann.say(text)
    bob.hears_last("a block")
    bob.say("my own")
    bob.all_are_taken()
    seen["room"] = bob.evaluate(FINDINGS)
    bob.page.get_by_role("button", name="Room menu").click()
    bob.menu_is_open()
    seen["menu"] = bob.evaluate(FINDINGS)
    bob.page.get_by_role("menuitem", name="Help").click()
    bob.page.get_by_role("dialog").wait_for()
    seen["help"] = bob.evaluate(FINDINGS)
    bob.page.keyboard.press("Escape")
    ann.say("/leave")
    ann.page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    bob.is_warned("The host left")
    seen["closed"] = bob.evaluate(FINDINGS)
    assert {place: found for place, found in seen.items() if found} == {}


def assert_harmless(page: Any) -> None:
    assert page.evaluate(STRANGE, list(OWN_ELEMENTS)) == []
    assert page.faults == []


def test_hostile_texts_stay_texts(own: OwnRelay, visitors: "Visitors", room: str) -> None:
    with StreamMember(own.relay, room, "ann", create=True) as ann:
        ann.speak_up()
        bob = visitors.open().enter(room, "bob")
        for number, text in enumerate(HOSTILE, 1):
            ann.send(say=text, n=number)
        ann.send(say="the last word", n=len(HOSTILE) + 1)
        bob.hears_last("the last word")
        said = bob.all_said()
        assert len(said) == len(HOSTILE) + 1
        assert not set("".join(said)) & set(DIRECTION_SIGNS)
        assert sum("<img src=x onerror=alert(1)>" in text for text in said) >= 3
        assert_harmless(bob)


def test_hostile_names_stay_texts(own: OwnRelay, visitors: "Visitors", room: str) -> None:
    with ExitStack() as stack:
        ann = stack.enter_context(StreamMember(own.relay, room, "ann", create=True))
        ann.speak_up()
        bob = visitors.open().enter(room, "bob")
        names = []
        for name in HOSTILE:
            try:
                member = stack.enter_context(StreamMember(own.relay, room, name))
            except RefusedError:  # no name for anybody
                continue
            member.send(say=f"I am here, {name}", n=1)
            names.append(name)
        assert len(names) > 60
        ann.send(say="the last word", n=1)
        bob.hears_last("the last word")
        bob.counts_members(len(names) + 2)
        assert_harmless(bob)


def test_hostile_topics_and_rooms_stay_texts(own: OwnRelay, visitors: "Visitors", room: str) -> None:
    room = f"<img src=x onerror=alert(1)>{room}"
    with StreamMember(own.relay, room, "ann", create=True) as ann:
        ann.speak_up()
        bob = visitors.open().enter(room, "bob")
        for number, topic in enumerate(HOSTILE, 1):
            ann.send(say=f"/topic {topic}", n=number)
        topic = f"<b>the last topic</b> {room}"
        ann.send(say=f"/topic {topic}", n=len(HOSTILE) + 1)
        bob.has_topic(topic)
        assert_harmless(bob)
        eve = visitors.open()
        eve.is_offered(room, topic)
        assert_harmless(eve)
