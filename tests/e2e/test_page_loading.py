"""How the page comes to a browser: how much that is, how long it takes, and what one reads if a part doesn't come."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest

from conformance.relays import OwnRelay
from e2e.streaming import StreamMember

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request, Route

pytestmark = pytest.mark.needs("chromium")

MINUTES: Final = 2
MOST_BYTES: Final = 120 * 1024
UNFINISHED: Final = "A part of this page didn't come."
# Somebody who was here before, by the name of bob, follows an invitation and joins as soon as the page lets them.
HURRY: Final = """
  localStorage.setItem("chat.choices", JSON.stringify({ name: "bob" }));
  const looking = setInterval(() => {
    document.querySelector("start-page [type=submit]:focus")?.click();
    if (document.activeElement?.id !== "words") return;
    document.body.dataset.usable = Math.round(performance.now());
    clearInterval(looking);
  }, 2);
"""


@pytest.fixture(scope="module")
def web_settings() -> dict[str, str]:
    return {}


@pytest.fixture
def context(browser: "Browser", locale: str) -> Iterator["BrowserContext"]:
    context = browser.new_context(locale=locale, service_workers="block")
    yield context
    context.close()


@pytest.fixture
def page(context: "BrowserContext") -> "Page":
    return context.new_page()


@pytest.fixture
def locale() -> str:
    return "en-GB"


def test_a_first_visit_loads_120_kib_at_most(address: str, page: "Page") -> None:
    finished: list[Request] = []
    page.on("requestfinished", lambda request: finished.append(request))  # noqa: PLW0108 - it takes no builtin
    page.goto(address)
    page.wait_for_selector("start-page form")
    sizes = {request.url: request.sizes()["responseBodySize"] for request in finished}
    print(f"A first visit loads {len(sizes)} files of {sum(sizes.values()) / 1024:.1f} KiB together.")
    assert len(sizes) > 40
    assert sum(sizes.values()) <= MOST_BYTES


def test_a_browser_would_install_it(address: str, page: "Page") -> None:
    page.goto(address)
    asked = page.context.new_cdp_session(page)
    assert asked.send("Page.getAppManifest")["errors"] == []
    found = [error["errorId"] for error in asked.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert found == ["in-incognito"]  # as all pages of tests are


def test_an_invitation_leads_to_where_one_writes(own: OwnRelay, address: str, page: "Page", room: str) -> None:
    """How long that takes is printed alone: it depends on the machine."""
    with StreamMember(own.relay, room, "ann", create=True) as ann:
        ann.speak_up()
        page.add_init_script(HURRY)
        page.goto(f"{address}#room={room}")
        page.wait_for_selector("[data-usable]")
        milliseconds = page.locator("body").get_attribute("data-usable")
        print(f"The message box was ready {milliseconds} ms after the invitation was opened, with nothing cached.")
        page.keyboard.type("here I am")
        page.keyboard.press("Enter")
        ann.hear_up_to("here I am")


def test_a_relay_that_lists_no_rooms_is_asked_once(address: str, page: "Page") -> None:
    """Let minutes pass: each answer that is no list is an error in the browser's console."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    with page.expect_response("**/rooms") as answer:
        page.goto(address)
    assert answer.value.status == 404
    page.clock.run_for(MINUTES * 60_000)
    page.evaluate("() => document.querySelector('start-page').refresh()")
    page.clock.run_for(MINUTES * 60_000)
    assert asked.count(f"{address}rooms") == 1
    with page.expect_response("**/rooms"):
        page.reload()


PARTS: Final = [
    ("en-GB", "js/start.js"),
    ("en-GB", "js/text.js"),
    ("en-GB", "css/room.css"),
    ("ja-JP", "js/notices.js"),
    ("ja-JP", "js/sentences.js"),
    ("ja-JP", "i18n/ja.json"),
]


class Failing:
    """A part of the page that doesn't come so many times: the network changed, or the relay had too much to do."""

    def __init__(self, context: "BrowserContext", part: str, times: int) -> None:
        self._left = times
        context.route(f"**/{part}", self._answer)

    def _answer(self, route: "Route") -> None:
        self._left -= 1
        if self._left < 0:
            route.continue_()
        elif self._left % 2:
            route.fulfill(status=429, content_type="text/plain", body="Too many requests came from your address.")
        else:
            route.abort("internetdisconnected")


@pytest.mark.parametrize(("locale", "part"), PARTS)
@pytest.mark.parametrize("times", [1, 2])
def test_a_part_that_does_not_come_at_first_is_asked_for_again(
    address: str, context: "BrowserContext", page: "Page", part: str, times: int
) -> None:
    Failing(context, part, times)
    page.goto(address)
    page.wait_for_selector("start-page form")
    assert page.locator("#unfinished").count() == 0


@pytest.mark.parametrize(("locale", "part"), PARTS)
def test_when_a_part_never_comes_the_page_says_so(
    address: str, context: "BrowserContext", page: "Page", part: str
) -> None:
    Failing(context, part, 1000)
    page.goto(f"{address}#room=tea")
    reload = page.get_by_role("alert").get_by_role("button", name="Reload")
    reload.wait_for()
    assert page.get_by_text(UNFINISHED).is_visible()
    context.unroute_all()
    reload.click()
    page.wait_for_selector("start-page form")
    assert page.locator("#room").input_value() == "tea"
    assert page.locator("#unfinished").count() == 0


def test_when_the_first_script_does_not_come_the_page_says_so_after_a_while(
    address: str, context: "BrowserContext", page: "Page"
) -> None:
    context.route("**/js/main.js", lambda route: route.abort())
    page.goto(address)
    assert not page.get_by_text(UNFINISHED).is_visible()
    page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")
    page.get_by_text(UNFINISHED).wait_for()
