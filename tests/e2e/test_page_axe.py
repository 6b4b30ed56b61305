"""Every screen of the page, in both languages, as axe-core sees it, and no wider than its window."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import Page, expect

from conformance.relays import OwnRelay
from conftest import AXE
from e2e.browsing import DESK, SMALL_PHONE, Visitors
from e2e.test_page import FINDINGS, OVERFLOWS
from ports import free_ports

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.needs("chromium", "axe"), pytest.mark.timeout(240)]
LONG_WORD: Final = "x" * 4000
DIALOGS: Final = 4
"""That the menu of a room's host opens: help, topic, password, unban."""


@pytest.fixture(scope="module")
def visitors(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitors]:
    (port,) = free_ports(1)
    relay = OwnRelay(
        tmp_path_factory.mktemp("relay") / "log", {"RELAY_LIST_ROOMS": "true", "RELAY_WEB_PORT": str(port)}
    )
    with Visitors(browser, f"http://127.0.0.1:{port}/") as visitors:
        yield visitors
    assert relay.stop() == 0, relay.said()


class Screens:
    """Looks at one screen after the other; what is said there is in any language."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: dict[str, list[object]] = {}
        page.evaluate(AXE.read_text())

    def look(self, screen: str) -> None:
        if found := self.page.evaluate(FINDINGS) + self.page.evaluate(OVERFLOWS):
            self.found[screen] = found

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

    def look_at_dialogs(self) -> int:
        """Look at each that the menu opens; returns how many there were."""
        labels, count = self.menu()[:-1], 0  # without the last, by which one leaves
        self.look("menu")
        self.page.keyboard.press("Escape")
        for label in labels:
            if label in self.menu():
                self.page.get_by_role("menuitem", name=label, exact=True).click()
                self.look(label)
                if self.page.get_by_role("dialog").count():
                    count += 1
                    self.page.keyboard.press("Escape")
                    expect(self.page.get_by_role("dialog")).to_have_count(0)
            else:
                self.page.keyboard.press("Escape")
        return count


@pytest.mark.parametrize("sealed", [False, True], ids=["open", "sealed"])
@pytest.mark.parametrize("size", [DESK, SMALL_PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en-GB", "ja-JP"])
def test_no_screen_has_a_fault(
    visitors: Visitors, room: str, language: str, scheme: str, size: tuple[int, int], *, sealed: bool
) -> None:
    # What fades in has little contrast at first.
    ann = visitors.open(size, locale=language, color_scheme=scheme, reduced_motion="reduce")
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
