"""People who chat in a real browser: the machine's Chromium, driven by Playwright, which waits for what it wants."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Self

from playwright.sync_api import Browser, BrowserContext, Dialog, Error, Locator, Page, expect, sync_playwright

MILLISECONDS: Final = 20_000
"""How long anything may take on a busy machine."""

LOADS: Final = 5
DESK: Final = (1100, 760)
SMALL_PHONE: Final = (320, 640)

# Root has no sandbox of its own for it. Nothing is fetched but what a test asks for.
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
NETWORK_CHANGED: Final = "ERR_NETWORK_CHANGED"
"""What Chromium calls requests that it ends because the machine's network interfaces changed, as those of containers
and of network namespaces do. The page asks again."""
_TELL_VIOLATIONS: Final = """
  addEventListener("securitypolicyviolation", (event) => console.error("CSP", event.violatedDirective));
"""


class Visitor:
    """Somebody who opened the page, in a browser profile of their own."""

    def __init__(self, context: BrowserContext, address: str, page: Page | None = None) -> None:
        """Open the page, unless there is one already."""
        self.faults: list[str] = []
        """What no page should do: errors on the console, dialogs, requests to other servers."""
        self.page: Page = page or context.new_page()
        self._address = address
        self._has_halted = False
        context.add_init_script(_TELL_VIOLATIONS)
        self.page.on("console", lambda said: self._note(said.text, said.type == "error"))
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("request", lambda asked: self._note(asked.url, not self._is_own(asked.url)))
        self.page.on("dialog", self._dismiss)
        self.page.on("popup", lambda other: self._note(f"opened {other.url}"))
        if page is None:
            self._load()

    def _load(self) -> None:
        for _ in range(LOADS):
            with suppress(Error):  # such as NETWORK_CHANGED, of the one file that asks for the others again
                self.page.goto(self._address)
                self.page.locator("start-page").wait_for(timeout=MILLISECONDS / 2)
                break
        self.is_at_start()

    def _note(self, fault: str, is_one: bool = True) -> None:
        if is_one and NETWORK_CHANGED not in fault:
            self.faults.append(fault)

    def _dismiss(self, dialog: Dialog) -> None:
        self._note(dialog.message)
        dialog.dismiss()

    def _is_own(self, url: str) -> bool:
        return url.startswith((self._address, self._address.replace("http:", "ws:"), "data:"))

    def enter(self, room: str, name: str, *, create: bool = False, password: str = "") -> Self:
        """Fill in the form and get in."""
        self.ask(room, name, create=create, password=password)
        expect(self.page.locator("room-view .what h1")).to_have_text(room)
        self.is_connected()
        return self

    def ask(self, room: str, name: str, *, create: bool = False, password: str = "") -> None:
        """Fill in the form and send it."""
        self.page.get_by_text("Create" if create else "Join", exact=True).click()
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_label("Room", exact=True).fill(room)
        self.page.get_by_label("Password").fill(password)
        self.page.locator("start-page button[type=submit]").click()

    def is_connected(self) -> None:
        expect(self.page.locator("room-view .about")).to_contain_text("Connected")

    def say(self, text: str) -> None:
        self.page.get_by_label("Write a message").fill(text)
        self.page.get_by_label("Write a message").press("Enter")

    def bubbles(self) -> Locator:
        return self.page.locator("article .bubble")

    def hears(self, text: str) -> None:
        """Wait for a message, which must be there once."""
        expect(self.bubbles().filter(has_text=text)).to_have_count(1)

    def hears_last(self, text: str) -> None:
        """Wait until this is the newest message."""
        expect(self.bubbles().last).to_have_text(text)

    def all_said(self) -> list[str]:
        """Return the texts of all messages that the page shows now."""
        return self.bubbles().all_inner_texts()

    def all_are_taken(self) -> None:
        """Wait until the relay has taken all that was said here."""
        expect(self.page.locator("article.own").last.get_by_role("img", name="Taken by the relay")).to_be_visible()

    def keeps(self, text: str) -> None:
        """Wait until the tab has stored what was said."""
        self.page.wait_for_function(
            "(text) => Object.values(sessionStorage).some((kept) => kept.includes(text))", arg=text
        )

    def is_warned(self, text: str) -> None:
        """Wait for what the page says above the messages."""
        expect(self.page.locator("room-banner")).to_contain_text(text)

    def is_refused(self, text: str) -> None:
        expect(self.page.get_by_role("alert")).to_contain_text(text)

    def is_told(self, text: str) -> None:
        """Wait for a line that says what happened."""
        expect(self.page.locator(".log p.line", has_text=text)).to_have_count(1)

    def invites_to_write(self, text: str) -> None:
        expect(self.page.locator("message-list").get_by_text(text)).to_be_visible()

    def is_silent_about(self, text: str) -> None:
        expect(self.page.locator("message-list").get_by_text(text)).to_be_hidden()

    def may_mend(self, label: str) -> None:
        """Wait until one field alone is marked as wrong, and typing goes there."""
        expect(self.page.locator("[aria-invalid=true]")).to_have_count(1)
        expect(self.page.get_by_label(label)).to_have_attribute("aria-invalid", "true")
        expect(self.page.get_by_label(label)).to_be_focused()

    def may_fill_in(self, label: str) -> None:
        """Wait for a field that is empty and not marked as wrong."""
        expect(self.page.get_by_label(label)).to_have_value("")
        expect(self.page.locator("[aria-invalid]")).to_have_count(0)

    def is_at_start(self) -> None:
        expect(self.page.locator("start-page"), f"faults: {self.faults}").to_be_visible()

    def is_offered(self, room: str, topic: str) -> None:
        """Wait for a room in the list of open rooms, which the page asks for again and again."""
        offered = self.page.locator("open-rooms .room", has=self.page.get_by_text(room, exact=True))
        expect(offered).to_contain_text(topic)

    def is_not_offered(self, room: str) -> None:
        """Wait until the list of open rooms hasn't this one."""
        expect(self.page.locator("open-rooms").get_by_text(room, exact=True)).to_have_count(0)

    def has_topic(self, topic: str) -> None:
        expect(self.page.locator("room-view .about bdi")).to_have_text(topic)

    def members_are(self, names: list[str]) -> None:
        expect(self.page.locator("member-list .person .name")).to_have_text(names)

    def counts_members(self, count: int) -> None:
        expect(self.page.locator("member-list h1")).to_have_text(f"{count} members")

    def menu_is_open(self) -> None:
        expect(self.page.get_by_role("menu")).to_be_visible()

    def writes(self, begin: str) -> None:
        """Wait until the message that is being written begins so."""
        expect(self.page.get_by_label("Write a message")).to_have_value(re.compile(re.escape(begin)))

    def open_tab(self) -> "Visitor":
        """Open the page once more in the same browser."""
        return Visitor(self.page.context, self._address)

    def copy_tab(self) -> "Visitor":
        """Open a copy of this tab, which has what this one has kept."""
        with self.page.context.expect_page() as opened:
            self.page.evaluate("() => { window.open(location.href); }")
        return Visitor(self.page.context, self._address, opened.value)

    def sleep(self) -> None:
        """Fall asleep, as a page on a phone does: nothing of it runs, and what comes waits."""
        self._has_halted = False
        self._sleep = self.page.context.new_cdp_session(self.page)
        self._sleep.on("Debugger.paused", self._note_halt)
        self._sleep.send("Debugger.enable")
        self.page.evaluate("() => { setTimeout(() => {}, 100); }")  # the next that runs halts
        self._sleep.send("Debugger.pause")

    def wake(self) -> None:
        """Run again."""
        self._sleep.send("Debugger.disable")
        assert self._has_halted, "The page hasn't slept."
        self._sleep.detach()

    def _note_halt(self, _: object) -> None:
        self._has_halted = True

    def lose_network(self) -> None:
        self.page.context.set_offline(True)

    def find_network(self) -> None:
        """Hear from the browser that there is a network again."""
        self.page.context.set_offline(False)

    def stop_clock(self) -> None:
        """Let time pass no more but by `pass_time` and `jump`."""
        self.page.clock.pause_at(self.page.evaluate("() => Date.now() + 1"))

    def start_clock(self) -> None:
        self.page.clock.resume()

    def pass_time(self, milliseconds: int) -> None:
        self.page.clock.run_for(milliseconds)

    def jump(self, milliseconds: int) -> None:
        """Find the clock changed, as after a sleep; what was due meanwhile is done now, once."""
        self.page.clock.fast_forward(milliseconds)

    def seconds_to_next_attempt(self) -> int:
        """Wait until the connection is broken, and another attempt is planned; returns when, as the page says."""
        banner = self.page.locator("room-banner [aria-hidden]")
        expect(banner).to_contain_text(re.compile("Reconnecting in [0-9]+ s"))
        return int(banner.inner_text().rpartition("Reconnecting in ")[2].partition(" ")[0])

    def evaluate(self, script: str, argument: object = None) -> Any:
        return self.page.evaluate(script, argument)


class Visitors:
    """Opens pages of one relay; they close at the end of the test."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self._contexts: list[BrowserContext] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for context in self._contexts:
            context.close()

    def open(self, size: tuple[int, int] = DESK, **options: Any) -> Visitor:
        """Open the page in a window of so many pixels."""
        width, height = size
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, service_workers="block", **{"locale": "en-GB", **options}
        )
        context.set_default_timeout(MILLISECONDS)
        self._contexts.append(context)
        return Visitor(context, self._address)


def find_chromium() -> str | None:
    """Return the path of the machine's Chromium."""
    return shutil.which("chromium")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run a browser that shows no window."""
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
