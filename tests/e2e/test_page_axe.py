"""Every screen of the page, in both languages, as axe-core sees it, and no wider than its window."""

from typing import Final, Literal

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from conformance.relays import OwnRelay
from conftest import AXE
from e2e.browsing import DESK, SMALL_PHONE, Visitors
from e2e.streaming import StreamMember
from e2e.test_page import FINDINGS, OVERFLOWS

pytestmark = [pytest.mark.needs("chromium", "axe"), pytest.mark.timeout(240)]
by_language: Final = pytest.mark.parametrize("language", ["en-GB", "ja-JP"])
by_size: Final = pytest.mark.parametrize("size", [DESK, SMALL_PHONE], ids=["desk", "phone"])
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
LONG_WORD: Final = "x" * 4000
BROKEN: Final = 2
"""The connection that doesn't come about, of those that a page makes."""
DIALOGS: Final = 4
"""That the menu of a room's host opens: help, topic, password, unban."""
HELP: Final = ("Help", "ヘルプ")
IMPATIENT: Final = "const wait = setTimeout; window.setTimeout = (then) => wait(then, 0);"
HOLD: Final = """() => {
  const wait = setTimeout;
  window.held = true;
  window.setTimeout = (then, milliseconds) => wait(then, window.held && milliseconds > 200 ? 1e6 : milliseconds);
}"""
"""Makes pauses between attempts last; axe-core has timers, too."""
NO_CLIPBOARD: Final = "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
"""As on a page by plain http."""


class Screens:
    """Looks at one screen after the other; what is said there is in any language."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: dict[str, list[object]] = {}
        page.evaluate(AXE.read_text())

    def look(self, screen: str) -> None:
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            if found := self.page.evaluate(FINDINGS) + self.page.evaluate(OVERFLOWS):
                self.found[f"{screen}, {scheme}"] = found

    def ask(self, room: str, mode: str, *, sealed: bool = False) -> None:
        self.page.locator(f"input[name=mode][value={mode}]").check(force=True)
        self.page.locator("#name").fill("ann")
        self.page.locator("#room").fill(room)
        self.page.locator("#seal").set_checked(sealed, force=True)
        self.look(f"to {mode}")
        self.page.locator("start-page button[type=submit]").click()

    def menu(self) -> list[str]:
        """Open the room's menu; returns what can be chosen."""
        self.page.locator("room-view header button[aria-haspopup=menu]").click()
        expect(self.page.get_by_role("menu")).to_be_visible()
        return self.page.get_by_role("menuitem").all_inner_texts()

    def look_at_dialog(self, screen: str) -> None:
        """Look at what the last item of an open menu asks; then leave it as it is."""
        self.page.get_by_role("menuitem").last.click()
        expect(self.page.get_by_role("dialog")).to_be_visible()
        self.look(screen)
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def look_at_dialogs(self) -> int:
        """Look at each that the menu opens; returns how many there were."""
        labels, count = self.menu()[:-1], 0  # without the last, by which one leaves
        self.look("menu")
        self.page.keyboard.press("Escape")
        for label in labels:
            if label in self.menu():
                self.page.get_by_role("menuitem", name=label, exact=True).click()
                if label in HELP or label.endswith("…"):  # which may have to be loaded first
                    expect(self.page.get_by_role("dialog")).to_be_visible()
                self.look(label)
                if self.page.get_by_role("dialog").count():
                    count += 1
                    self.page.keyboard.press("Escape")
                    expect(self.page.get_by_role("dialog")).to_have_count(0)
            else:
                self.page.keyboard.press("Escape")
        return count


@pytest.mark.parametrize("sealed", [False, True], ids=["open", "sealed"])
@by_size
@by_language
def test_no_screen_has_a_fault(
    visitors: Visitors, room: str, language: str, size: tuple[int, int], *, sealed: bool
) -> None:
    # What fades in has little contrast at first.
    ann = visitors.open(size, locale=language, reduced_motion="reduce")
    screens = Screens(ann.page)
    screens.look("start")
    screens.ask("", "create")
    expect(ann.page.get_by_role("alert")).to_be_visible()
    screens.look("no name")
    screens.ask(room, "join")
    expect(ann.page.locator(".problem button")).to_be_visible()
    screens.look("no such room")
    screens.ask(room, "create", sealed=sealed)
    words = ann.page.locator("#words")
    words.fill("> quote\n`code` https://a.example/")
    words.press("Enter")
    expect(ann.page.locator("article.own .state.taken")).to_be_visible()
    words.fill(LONG_WORD)
    screens.look("room")
    ann.page.locator("article .bubble").click(button="right")
    screens.look("menu of a line")
    ann.page.keyboard.press("Escape")
    assert screens.look_at_dialogs() >= DIALOGS
    if size == SMALL_PHONE:
        ann.page.locator("room-view .bar .back").first.click()
        screens.look("rooms")
    assert screens.found == {}


@by_size
@by_language
def test_no_dialog_that_asks_has_a_fault(
    own: OwnRelay, visitors: Visitors, room: str, language: str, size: tuple[int, int]
) -> None:
    """Look at what is asked before one bans a member, leaves as the host, and copies an invitation by hand."""
    ann = visitors.open(size, locale=language, reduced_motion="reduce")
    ann.evaluate(NO_CLIPBOARD)
    screens = Screens(ann.page)
    screens.ask(room, "create")
    expect(ann.page.locator("room-view .what h1")).to_have_text(room)
    with StreamMember(own.relay, room, LONG_WORD[:200]) as bob:
        bob.speak_up()
        person = ann.page.locator(f"member-list .person[data-name={LONG_WORD[:200]}]")
        expect(person).to_have_count(1)
        screens.menu()
        screens.look_at_dialog("leave")
        if size == SMALL_PHONE:
            ann.page.locator("room-view button[aria-expanded]").first.click()
        person.click()
        screens.look("menu of a member")
        screens.look_at_dialog("ban")
        if size == SMALL_PHONE:
            ann.page.locator("member-list .back").click()
        screens.menu()
        ann.page.get_by_role("menuitem").first.click()
        expect(ann.page.get_by_role("dialog").locator("input")).to_be_focused()
        screens.look("copy")
    assert screens.found == {}


@by_size
@by_language
def test_no_word_on_the_connection_has_a_fault(
    own: OwnRelay, visitors: Visitors, room: str, language: str, size: tuple[int, int]
) -> None:
    """Look at the list of open rooms, then at a page whose connection breaks, and whose room closes."""
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if len(sockets) != BROKEN:
            socket.connect_to_server()

    with StreamMember(own.relay, room, "zoe", create=True) as zoe:
        zoe.speak_up()
        zoe.send(say=f"/topic {LONG_WORD[:200]}", n=1)
        ann = visitors.open(size, locale=language, reduced_motion="reduce")
        ann.page.route_web_socket("**/chat", connect)
        screens = Screens(ann.page)
        ann.is_offered(room, LONG_WORD[:200])
        screens.ask(room, "join")  # which looks at the open rooms
        expect(ann.page.locator("room-view .what h1")).to_have_text(room)
        ann.evaluate(HOLD)
        sockets[0].close()
        banner = ann.page.locator("room-banner")
        expect(banner.locator("button")).to_be_visible()
        screens.look("waiting")
        banner.locator("button").click()
        expect(banner.locator("button")).to_have_count(0)
        screens.look("connecting")
        ann.evaluate("() => { window.held = false; }")
        sockets[1].close()
        expect(banner).to_be_hidden()
        zoe.send(leave=True)
        expect(banner.locator("button")).to_be_visible()
        screens.look("closed")
    assert screens.found == {}


@by_size
def test_a_page_whose_part_is_missing_has_no_fault(visitors: Visitors, size: tuple[int, int]) -> None:
    ann = visitors.open(size)
    ann.page.route("**/js/ui/app.js", lambda route: route.abort())
    ann.page.add_init_script(IMPATIENT)
    ann.page.reload()
    expect(ann.page.locator("#unfinished button")).to_be_visible()
    screens = Screens(ann.page)
    screens.look("unfinished")
    assert screens.found == {}
