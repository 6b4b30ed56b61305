"""The page when its network goes, its device sleeps, it is there twice, or there are too many (RES-01, WEB-03; T14)."""

from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from conformance.relays import OwnRelay
from conformance.tls import Authority
from e2e.browsing import Visitors
from e2e.streaming import StreamMember
from e2e.way import HOST, Way
from faults.pages import Pages
from ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.needs("chromium")
MESSAGES: Final = 200
FLAPS: Final = 4
LONG_PAUSE_SECONDS: Final = 14
SHARE: Final = 64
LINES: Final = 40
FULL: Final = "Your address has as many members as it may: leave a room first."
HIJACK: Final = """(address) => new Promise((tell) => {
  const socket = new WebSocket(address);
  socket.onopen = () => tell("open");
  socket.onerror = () => tell("refused");
})"""


class Place:
    """A relay, and where its page is."""

    def __init__(self, log: "Path", **settings: str) -> None:
        (self.port,) = free_ports(1)
        self.own = OwnRelay(log, {"RELAY_WEB_PORT": str(self.port), "RELAY_LIST_ROOMS": "true", **settings})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("relay") / "log")
    yield place
    assert place.own.stop() == 0, place.own.said()


@pytest.fixture
def visitors(browser: "Browser", place: Place) -> Iterator[Visitors]:
    with Visitors(browser, place.address) as visitors:
        yield visitors


def test_a_page_that_slept_hears_all_of_it_once(place: Place, visitors: Visitors, room: str) -> None:
    said = [f"message {number}" for number in range(MESSAGES)]
    with StreamMember(place.own.relay, room, "ann", create=True) as ann:
        ann.speak_up()
        bob = visitors.open().enter(room, "bob")
        bob.sleep()
        for number, text in enumerate(said, 1):
            ann.send(say=text, n=number)
        for _ in said:
            ann.hear("took")
        bob.wake()
        bob.hears_last(said[-1])
        assert bob.all_said() == said
        bob.say("good morning")
        heard = ann.hear_up_to("good morning")
        assert [line["notice"] for line in heard if "notice" in line] == []
        assert not bob.faults


def test_a_network_that_comes_and_goes_loses_nothing(browser: "Browser", place: Place, room: str) -> None:
    """Break the way to the relay under the page, and mend it only after others have gone on talking."""
    said = [f"message {number}" for number in range(MESSAGES)]
    block = MESSAGES // FLAPS
    way = SimpleNamespace(tcp_port=place.port, udp_port=free_ports(1)[0])
    with ExitStack() as stack:
        visitors = stack.enter_context(Visitors(browser, f"http://{HOST}:{place.port}/"))
        ann = stack.enter_context(StreamMember(place.own.relay, room, "ann", create=True))
        ann.speak_up()
        with Way(way):
            bob = visitors.open().enter(room, "bob")
        for first in range(0, MESSAGES, block):
            bob.is_warned("Reconnecting")
            bob.say(f"typed before {first}")
            for number in range(first, first + block):
                ann.send(say=said[number], n=number + 1)
            with Way(way):
                bob.is_connected()
                bob.hears(said[first + block - 1])
                bob.all_are_taken()
        heard = [text for text in bob.all_said() if not text.startswith("typed")]
        assert heard == said
        own = [line["text"] for line in ann.hear_up_to(f"typed before {MESSAGES - block}") if "text" in line]
        assert own == [f"typed before {first}" for first in range(0, MESSAGES, block)]


@pytest.mark.parametrize("sign", ["network", "clock"])
def test_a_page_that_wakes_up_is_back_at_once(browser: "Browser", place: Place, room: str, sign: str) -> None:
    """Wake a page up while its attempts are half a minute apart, a moment before its network is really there."""
    way = SimpleNamespace(tcp_port=place.port, udp_port=free_ports(1)[0])
    with ExitStack() as stack:
        visitors = stack.enter_context(Visitors(browser, f"http://{HOST}:{place.port}/"))
        ann = stack.enter_context(StreamMember(place.own.relay, room, "ann", create=True))
        ann.speak_up()
        with Way(way):
            bob = visitors.open().enter(room, "bob")
            bob.stop_clock()
        bob.lose_network()
        while (seconds := bob.seconds_to_next_attempt()) < LONG_PAUSE_SECONDS:
            bob.pass_time(seconds * 1000)
        ann.send(say="good morning", n=1)
        ann.hear("took")
        if sign == "network":
            bob.find_network()
        else:
            bob.jump((LONG_PAUSE_SECONDS - 2) * 1000)
        bob.is_warned("Reconnecting in 1 s")
        with Way(way):
            bob.find_network()
            bob.pass_time(1000)
            bob.is_connected()
            bob.start_clock()
            bob.hears_last("good morning")
            bob.say("I slept well")
            heard = ann.hear_up_to("I slept well")
        assert [line["notice"] for line in heard if "notice" in line] == []


def test_another_tab_takes_another_name(place: Place, visitors: Visitors, room: str) -> None:
    """Fill in a name that is one's own, but in another tab."""
    ann = visitors.open().enter(room, "ann", create=True)
    other = ann.open_tab()
    expect(other.page.get_by_label("Your name")).to_have_value("ann")
    other.ask(room, "ann")
    other.is_refused("A member of the room already has this name, or one that looks like it. Choose another name.")
    other.enter(room, "ann2")
    ann.say("here I am twice")
    other.hears("here I am twice")
    assert place.own.process.poll() is None
    assert not other.faults


def test_a_copy_of_a_tab_takes_over_and_the_old_one_says_so(visitors: Visitors, room: str) -> None:
    ann = visitors.open().enter(room, "ann", create=True)
    ann.say("before")
    ann.all_are_taken()
    ann.keeps("before")
    copy = ann.copy_tab()
    copy.is_connected()
    copy.hears("before")
    ann.is_warned("Your place was taken over by another connection of yours. Join again to be here.")
    copy.say("from the copy")
    copy.all_are_taken()
    copy.members_are(["ann"])
    ann.is_warned("Your place was taken over")  # still: the two don't fight for it


def test_beyond_an_addresss_share_the_page_says_so_and_the_next_address_gets_in(
    browser: "Browser", tmp_path: "Path", room: str
) -> None:
    with ExitStack() as stack:
        place = Place(tmp_path / "log", RELAY_MAX_MEMBERS_PER_ADDRESS=str(SHARE))
        stack.callback(place.own.stop)
        visitors = stack.enter_context(Visitors(browser, place.address))
        pages = stack.enter_context(Pages(place.port))
        for number in range(SHARE):
            assert pages.join(room, f"m{number}", create=not number)[1]["status"] == 0
        late = visitors.open()
        late.ask(room, "late")
        late.is_refused(FULL)
        late.page.context.set_extra_http_headers({"X-Forwarded-For": "198.51.100.7"})
        late.ask(room, "late")
        late.is_refused(FULL)
        assert pages.join(room, "elsewhere", source="127.0.0.2")[1]["status"] == 0
        assert not late.faults


def test_a_browser_lets_no_other_page_chat(browser: "Browser", place: Place) -> None:
    """Try what a page of another site would: its browser names where it is from."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto("about:blank")
        assert page.evaluate(HIJACK, f"ws://127.0.0.1:{place.port}/chat") == "refused"
    finally:
        context.close()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en-GB", "This relay lets in by TLS alone: open the page by https."),
        ("ja-JP", "ページを https で開いてください"),
    ],
)
def test_by_plain_http_a_relay_that_requires_tls_says_what_to_do(
    browser: "Browser", tmp_path: "Path", room: str, language: str, words: str
) -> None:
    with ExitStack() as stack:
        certificate = {f"RELAY_{name.upper()}": value for name, value in Authority(tmp_path).settings.items()}
        place = Place(tmp_path / "log", **certificate, RELAY_TLS_REQUIRED="true", RELAY_WEB_TLS="off")
        stack.callback(place.own.stop)
        ann = stack.enter_context(Visitors(browser, place.address)).open(locale=language)
        ann.page.locator("#name").fill("ann")
        ann.page.locator("#room").fill(room)
        ann.page.locator("#room").press("Enter")
        ann.is_refused(words)
        assert not ann.faults


def test_forty_lines_are_one_message(place: Place, visitors: Visitors, room: str) -> None:
    text = "\n".join(f"line {number}" for number in range(LINES))
    with StreamMember(place.own.relay, room, "ann", create=True) as ann:
        ann.speak_up()
        bob = visitors.open().enter(room, "bob")
        bob.say(text)
        bob.all_are_taken()
        assert ann.hear("text")["text"] == text.replace("\n", "⏎")
        assert bob.all_said() == [text]
