"""Sealed rooms in a real browser, beside `chat`: who has the key reads, and nobody else (SEAL-01 to SEAL-04)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from conformance import wire
from conformance.people import Member
from conformance.relays import OwnRelay
from conformance.tls import Authority
from e2e.browsing import DESK, SMALL_PHONE, Visitor, Visitors
from e2e.piped import Chat
from ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.needs("chromium")
NO_KEY: Final = "The room is sealed: only members with its key can read it. Ask a member for the whole invitation."
KEY: Final = "AAECAwQFBgcICQoLDA0ODw"
INCOMPLETE: Final = {
    "en-GB": "The invitation is incomplete: copy all of it.",
    "ja-JP": "招待リンクが途中で切れています。",
}
ELSEWHERE: Final = {"en-GB": "leads to another server", "ja-JP": "別のサーバーのもの"}
NO_HTTPS: Final = "Sealed rooms work only over https: on this page the browser can't encrypt."
PLAIN_HTTP: Final = "Object.defineProperty(window, 'isSecureContext', { value: false });"
"""As on a page by plain http that isn't on this machine."""
KEPT: Final = (
    """() => JSON.stringify([document.body.innerText, document.title, { ...localStorage }, { ...history.state }])"""
)
"""All that others may see of a page, or that outlives its tab."""


@pytest.fixture(scope="module")
def web_settings() -> dict[str, str]:
    return {"RELAY_LIST_ROOMS": "true", "RELAY_LOG_LEVEL": "debug"}


def create_sealed(visitor: Visitor, room: str, name: str) -> str:
    """Create a sealed room; returns its key, from the invitation that the page copies."""
    visitor.page.get_by_text("Create", exact=True).click()
    visitor.page.get_by_label("Seal: only members").check()
    visitor.enter(room, name, create=True)
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.page.get_by_role("button", name="Room menu").click()
    visitor.page.get_by_role("menuitem", name="Copy invitation").click()
    expect(visitor.page.get_by_text("Invitation copied.")).to_be_visible()
    link = str(visitor.evaluate("() => navigator.clipboard.readText()"))
    before, _, key = link.partition("&k=")
    assert before == visitor.page.url
    assert len(key) > 20
    return key


def follow(visitor: Visitor, room: str, key: str) -> None:
    """Open an invitation in the page."""
    visitor.evaluate("(hash) => { location.hash = hash; }", f"#room={quote(room)}&k={key}")
    expect(visitor.page.get_by_text("Sealed, key")).to_be_visible()


def test_a_page_and_chat_read_each_other_and_nobody_else_does(
    own: OwnRelay, visitors: Visitors, chat: Callable[..., Chat], room: str, tmp_path: "Path"
) -> None:
    ann = visitors.open()
    key = create_sealed(ann, room, "ann")
    invitation = tmp_path / "invitation"
    invitation.write_text(f"chat://127.0.0.1:{own.relay.tcp_port}/{quote(room)}#k={key}\n")
    with Member(own.relay, wire.JOIN, room.encode(), b"spy", features=("sealed",)) as spy:
        spy.keep_alive()
        cem = chat("join", "--link-file", str(invitation), "--name", "cem")
        cem.is_told("You are in")
        bob = visitors.open()
        follow(bob, room, key)
        bob.enter(room, "bob")
        heard = []
        for who, text in ((ann, "from ann"), (cem, "from cem"), (bob, "from bob")):
            who.say(text)
            heard.append(spy.hear())
        ann.say("/topic tea at four")
        heard.append(spy.receive_until(lambda data: b"topic" in data))
        assert b"".join(heard).count(b"e2e1.") == len(heard)
        for line in ("ann: from ann", "bob: from bob"):
            cem.hears_at_last(line)
        ann.evaluate("() => location.reload()")
        for page in (ann, bob):
            page.hears_last("from bob")
            assert page.all_said() == ["from ann", "from cem", "from bob"]
            page.has_topic("tea at four")
        cem.say("after the reload")
        ann.hears_last("after the reload")
        for secret in (b"from ", b"tea at four", key.encode()):
            assert [line for line in heard if secret in line] == []
        for page in (ann, bob):
            assert key not in page.evaluate(KEPT)
            assert key not in page.page.url
            assert not page.faults
        assert key not in own.said()
        spy.leave()


@pytest.mark.parametrize("size", [DESK, SMALL_PHONE], ids=["desk", "phone"])
def test_members_compare_what_their_keys_look_like(visitors: Visitors, room: str, size: tuple[int, int]) -> None:
    ann = visitors.open(size)
    key = create_sealed(ann, room, "ann")
    bob = visitors.open(size)
    follow(bob, room, key)
    told = bob.page.get_by_text("Sealed, key").inner_text()
    bob.enter(room, "bob")
    for page in (ann, bob):
        expect(page.page.locator("room-view .about")).to_contain_text(told)
        page.page.get_by_role("button", name="Room menu").click()
        expect(page.page.get_by_role("menuitem", name=told)).to_be_visible()


def test_who_has_no_key_is_told_so_and_those_in_the_room_hear_of_nobody(visitors: Visitors, room: str) -> None:
    ann = visitors.open()
    create_sealed(ann, room, "ann")
    eve = visitors.open()
    eve.is_offered(room, "1 member · sealed")
    eve.ask(room, "eve")
    eve.is_refused(NO_KEY)
    ann.say("nobody came")
    ann.hears_last("nobody came")
    ann.all_are_taken()
    ann.members_are(["ann"])
    assert "eve" not in ann.page.locator(".log").inner_text()
    assert not eve.faults


def test_with_another_key_nothing_is_read_or_said(visitors: Visitors, room: str) -> None:
    ann = visitors.open()
    key = create_sealed(ann, room, "ann")
    eve = visitors.open()
    follow(eve, room, f"{key[1:-1]}{key[0]}A")
    eve.enter(room, "eve")
    ann.members_are(["ann", "eve"])
    ann.say("can you read this?")
    expect(eve.page.locator(".log .problem")).to_contain_text("your key is probably not this room's")
    assert eve.all_said() == []
    eve.say("can you read that?")
    expect(eve.page.locator("article.own")).to_contain_text("Not delivered (Your key opens nothing that others write")
    ann.say("no")
    ann.hears_last("no")
    ann.all_are_taken()
    assert ann.all_said() == ["can you read this?", "no"]


def test_who_has_a_key_says_nothing_in_a_room_that_isnt_sealed(visitors: Visitors, room: str) -> None:
    """Threat N7: somebody made a room of the same name, or left out that it is sealed."""
    ann = visitors.open().enter(room, "ann", create=True)
    bob = visitors.open()
    follow(bob, room, KEY)
    bob.ask(room, "bob")
    bob.is_refused("though your invitation has a key: nothing was sent. Ask who invited you.")
    ann.members_are(["ann"])
    assert ann.all_said() == []


@pytest.mark.parametrize("language", ["en-GB", "ja-JP"])
def test_a_part_of_an_invitation_is_told_so_and_never_sent(visitors: Visitors, room: str, language: str) -> None:
    """A key that lacks its end is still a secret: it must not go out as a room's name."""
    eve = visitors.open(locale=language)
    sent: list[str] = []
    eve.page.on("websocket", lambda socket: sent.append(socket.url))
    alert, name, field = eve.page.get_by_role("alert"), eve.page.locator("#name"), eve.page.locator("#room")
    name.fill("eve")
    for part in (f"chat://127.0.0.1/{quote(room)}#k={KEY[:-1]}", f"https://other.example/#room=tea&k={KEY}"):
        field.fill(part)
        field.press("Enter")
        expect(alert).to_contain_text(INCOMPLETE[language] if part.startswith("chat:") else ELSEWHERE[language])
        expect(field).to_be_focused()
    eve.evaluate("(hash) => { location.hash = hash; }", f"#room={quote(room)}&k={KEY[:-1]}")
    expect(alert).to_contain_text(INCOMPLETE[language])
    assert KEY[:-1] not in eve.page.url
    assert sent == []


def test_by_https_the_page_says_that_the_way_is_encrypted(browser: "Browser", tmp_path: "Path", room: str) -> None:
    (port,) = free_ports(1)
    certificate = {f"RELAY_{name.upper()}": value for name, value in Authority(tmp_path).settings.items()}
    relay = OwnRelay(tmp_path / "log", {"RELAY_WEB_PORT": str(port), "RELAY_LIST_ROOMS": "true", **certificate})
    try:
        with Visitors(browser, f"https://127.0.0.1:{port}/") as visitors:
            ann = visitors.open(ignore_https_errors=True).enter(room, "ann", create=True)
            expect(ann.page.locator("room-view .about")).to_contain_text("Connected, encrypted")
            ann.say("hello")
            ann.all_are_taken()
            assert not ann.faults
    finally:
        assert relay.stop() == 0, relay.said()


def test_where_a_browser_cant_seal_the_page_says_so_and_sends_nothing(visitors: Visitors, room: str) -> None:
    eve = visitors.open()
    eve.page.add_init_script(PLAIN_HTTP)
    eve.page.reload()
    sent: list[str] = []
    eve.page.on("websocket", lambda socket: sent.append(socket.url))
    eve.page.get_by_text("Create", exact=True).click()
    expect(eve.page.get_by_label("Seal: only members")).to_be_disabled()
    expect(eve.page.locator("#seal-note")).to_have_text(NO_HTTPS)
    eve.evaluate("(hash) => { location.hash = hash; }", f"#room={quote(room)}&k={KEY}")
    eve.page.get_by_label("Your name").fill("eve")
    eve.page.get_by_label("Your name").press("Enter")
    eve.is_refused(NO_HTTPS)
    assert sent == []
