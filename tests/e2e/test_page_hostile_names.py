"""Two hundred hostile names of rooms and people, topics and invitations in a page: they stay texts (WEB-04).

A relay takes some of them for no names, so that they reach a page by one that has no guard: here it is the test.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import Route, WebSocketRoute, expect

from conformance.relays import OwnRelay
from e2e.browsing import Visitor
from e2e.markup import DIRECTION_SIGNS, HOSTILE, OWN_ELEMENTS, STRANGE
from ports import free_ports

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(240)]
ELEMENTS: Final = [*OWN_ELEMENTS, "dialog", "footer"]
GRANTED: Final = {"status": 0, "reason": "ok", "resume": "t", "epoch": "e", "seq": 0, "moderation": False}
PEOPLE: Final = "people"
"""The room in which the relay says all it can."""
ENTER: Final = """async (rooms) => {
  const app = document.querySelector("chat-app");
  for (const room of rooms) {
    const wish = { room, name: "bob", password: "", create: false, key: "" };
    document.querySelector("start-page").dispatchEvent(new CustomEvent("enter", { detail: wish }));
    while (app.shown?.name !== room) await new Promise((then) => setTimeout(then));
    app.showStart();
  }
}"""
"""Enters rooms, past the form, which wouldn't take all names."""
INVITE: Final = """async () => {
  Object.defineProperty(navigator, "clipboard", { value: undefined }); // as on a page by plain http
  const app = document.querySelector("chat-app");
  const shown = [];
  for (const { room } of [...app.rooms.values()]) {
    app.invite(room);
    let dialog;
    while (!(dialog = document.querySelector("dialog"))) await new Promise((then) => setTimeout(then));
    shown.push(dialog.querySelector("input").value);
    dialog.close();
    while (document.querySelector("dialog")) await new Promise((then) => setTimeout(then));
  }
  return shown;
}"""
FOLLOW: Final = """async (names) => {
  const taken = [];
  const room = document.querySelector("#room");
  const take = (name) => { if (room.value === name.normalize("NFC")) taken.push(name); };
  for (const name of names) {
    room.value = "";
    const followed = new Promise((then) => addEventListener("hashchange", then, { once: true }));
    location.hash = `#room=${encodeURIComponent(name)}`;
    await followed;
    take(name);
    room.value = `chat://relay.example/${encodeURIComponent(name)}`;
    room.dispatchEvent(new Event("input"));
    take(name);
  }
  return taken;
}"""
"""Follows invitations, and pastes them; returns the rooms that were filled in."""


class HostileRelay:
    """Answers a page in a relay's place, and says what no relay lets through."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def list_rooms(self, route: Route) -> None:
        rooms = [
            {"name": text, "members": 1, "password": False, "sealed": False, "topic": topic}
            for text, topic in zip(self._texts, reversed(self._texts), strict=True)
        ]
        route.fulfill(json={"rooms": rooms})

    def let_in(self, socket: WebSocketRoute) -> None:
        socket.on_message(lambda message: self._hear(socket, json.loads(message)))

    def _hear(self, socket: WebSocketRoute, said: dict[str, dict[str, str]]) -> None:
        if "join" not in said:
            return
        socket.send(json.dumps(GRANTED))
        if said["join"]["room"] == PEOPLE:
            for seq, message in enumerate(self._says(), 1):
                socket.send(json.dumps({"seq": seq, **message}))

    def _says(self) -> Iterator[dict[str, object]]:
        yield {"notice": "members", "members": [{"name": text} for text in self._texts], "part": 1, "more": False}
        for text in self._texts:
            yield {"notice": "member_joined", "name": text}
            yield {"notice": "topic", "text": text}
            yield {"from": text, "text": f"I am {text}"}
            yield {"notice": "command_failed", "message": text}
        yield {"from": "ann", "text": "the last word"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a relay that serves the page alone."""
    (port,) = free_ports(1)
    relay = OwnRelay(tmp_path_factory.mktemp("relay") / "log", {"RELAY_WEB_PORT": str(port)})
    yield f"http://127.0.0.1:{port}/"
    assert relay.stop() == 0, relay.said()


@contextmanager
def visiting(
    browser: "Browser",
    address: str,
    prepare: Callable[["BrowserContext"], object] = lambda _: None,
    texts: list[str] = HOSTILE,
) -> Iterator[Visitor]:
    """Open the page, whose relay is hostile."""
    context = browser.new_context(locale="en-GB", service_workers="block")
    relay = HostileRelay(texts)
    context.route("**/rooms", relay.list_rooms)
    context.route_web_socket("**/chat", relay.let_in)
    prepare(context)
    try:
        yield Visitor(context, address)
    finally:
        context.close()


def found_in(visitor: Visitor) -> list[str]:
    """Return what is in a page that no text may bring there, and what its browser complains of."""
    return [*visitor.evaluate(STRANGE, ELEMENTS), *visitor.faults]


def test_listed_rooms_and_their_topics_stay_texts(browser: "Browser", address: str) -> None:
    with visiting(browser, address) as eve:
        rows = eve.page.locator("open-rooms .room")
        expect(rows.first).to_be_visible()
        names = rows.locator(".name").all_inner_texts()
        assert len(names) > len(HOSTILE) / 2  # without those that can't be a room's name
        assert set(names) <= set(HOSTILE)
        assert not set("".join(rows.all_inner_texts())) & set(DIRECTION_SIGNS)
        assert found_in(eve) == []


def test_invitations_stay_texts(browser: "Browser", address: str) -> None:
    with visiting(browser, address) as eve:
        taken = eve.evaluate(FOLLOW, HOSTILE)
        assert len(taken) > len(HOSTILE)  # two ways for each, without those that can't be a room's name
        assert found_in(eve) == []


def test_rooms_that_one_is_in_stay_texts_and_so_do_invitations_to_them(browser: "Browser", address: str) -> None:
    with visiting(browser, address) as eve:
        eve.evaluate(ENTER, HOSTILE)
        names = eve.page.locator("room-list .room .name")
        assert names.all_text_contents() == HOSTILE
        assert found_in(eve) == []
        assert len(eve.evaluate(INVITE)) == len(HOSTILE)
        expect(eve.page.locator("room-view .what h1")).to_have_count(0)
        names.first.click()
        expect(eve.page.locator("room-view .what h1")).to_have_text(HOSTILE[0])
        assert found_in(eve) == []


def test_people_and_topics_stay_texts(browser: "Browser", address: str) -> None:
    with visiting(browser, address) as eve:
        eve.enter(PEOPLE, "bob")
        eve.hears_last("the last word")
        people = eve.page.locator("member-list .person .name").all_text_contents()
        assert len(people) == len(HOSTILE)
        assert not set("".join(people)) & set(DIRECTION_SIGNS)
        assert found_in(eve) == []


def test_markup_would_be_noticed(browser: "Browser", address: str) -> None:
    """Weaken the part that writes a room's name: the page's policy says so, and without it there are elements."""
    safe, weak = 'h("bdi",{class:"name",text:room})', 'Object.assign(h("bdi",{class:"name"}),{innerHTML:room})'

    def weaken(route: Route) -> None:
        text = route.fetch().text()
        assert text.count(safe) == 1
        route.fulfill(content_type="text/javascript", body=text.replace(safe, weak))

    def forget_policy(route: Route) -> None:
        answer = route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name != "content-security-policy"}
        route.fulfill(response=answer, headers=headers)

    def weaken_both(context: "BrowserContext") -> None:
        context.route("**/js/ui/room-button.js", weaken)
        context.route(address, forget_policy)

    with visiting(browser, address, lambda context: context.route("**/js/ui/room-button.js", weaken)) as eve:
        eve.page.wait_for_function("() => !document.querySelector('open-rooms .room')")
        assert any("CSP require-trusted-types-for" in fault for fault in found_in(eve))
    # Of all texts together, some would lead the page elsewhere before anybody could look.
    with visiting(browser, address, weaken_both, ["<b>bold</b>", "<img src=x onerror=alert(1)>"]) as eve:
        eve.page.locator("open-rooms .room").first.wait_for()
        found = found_in(eve)
        assert "<b>" in found
        assert any("onerror" in each for each in found)
