"""What a page does for its person: it tells of other rooms, notifies, and lets a host moderate from menus."""

from contextlib import ExitStack
from typing import Final

import pytest
from playwright.sync_api import Locator, expect

from conformance.relays import OwnRelay
from e2e.browsing import SMALL_PHONE, Visitor, Visitors
from e2e.streaming import RefusedError, StreamMember

pytestmark = pytest.mark.needs("chromium")
WRONG_PASSWORD: Final = 3
KEEP_NOTIFICATIONS: Final = """
  const Real = Notification;
  window.notified = [];
  window.Notification = class extends Real {
    constructor(title, options) {
      super(title, options);
      notified.push(`${title} | ${options.body}`);
    }
  };
"""
"""Real ones, whose words are kept, for no browser lists them."""
COLOUR: Final = "element => getComputedStyle(element).color"


def row_of(visitor: Visitor, room: str) -> Locator:
    """Return a room's row among those that one is in."""
    return visitor.page.locator("room-list .room", has=visitor.page.get_by_text(room, exact=True))


def test_a_room_in_the_background_tells_what_is_unread(own: OwnRelay, visitors: Visitors, room: str) -> None:
    other = f"{room} too"
    with StreamMember(own.relay, other, "zoe", create=True) as zoe:
        zoe.speak_up()
        ann = visitors.open().enter(other, "ann")
        ann.page.get_by_title("New room").click()
        ann.enter(room, "ann", create=True)
        expect(ann.page).to_have_title(f"{room} - Chat")
        zoe.send(say="one", n=1)
        zoe.send(say="ann, two", n=2)
        row = row_of(ann, other)
        expect(row).to_contain_text("zoe: ann, two")
        expect(row).to_contain_text("1 with your name")
        expect(row).to_contain_text("2 unread messages")
        expect(ann.page).to_have_title(f"(2) {room} - Chat")
        expect(ann.page.locator("link[rel=icon]")).to_have_attribute("href", "icon-unread.svg")
        row.click()
        ann.hears_last("ann, two")
        expect(ann.page.locator(".day.new")).to_be_visible()
        expect(row.locator(".badge")).to_have_count(0)
        expect(ann.page).to_have_title(f"{other} - Chat")
        expect(ann.page.locator("link[rel=icon]")).to_have_attribute("href", "icon.svg")
        ann.page.keyboard.press("Alt+ArrowDown")
        expect(ann.page).to_have_title(f"{room} - Chat")
        assert not ann.faults


def test_who_wants_it_is_notified_of_other_rooms(own: OwnRelay, visitors: Visitors, room: str) -> None:
    other = f"{room} too"
    with StreamMember(own.relay, other, "zoe", create=True) as zoe:
        zoe.speak_up()
        ann = visitors.open()
        ann.page.context.grant_permissions(["notifications"])
        ann.page.add_init_script(KEEP_NOTIFICATIONS)
        ann.page.reload()
        ann.enter(other, "ann")
        zoe.send(say="before it is wanted", n=1)
        ann.hears_last("before it is wanted")
        menu_of(ann, "Notifications on")
        ann.page.get_by_title("New room").click()
        ann.enter(room, "ann", create=True)
        zoe.send(say="one", n=2)
        zoe.send(say="ann, two", n=3)
        expect(row_of(ann, other)).to_contain_text("2 unread messages")
        told = [f"{other}: zoe | one", f"{other}: zoe mentioned you | ann, two"]
        assert ann.evaluate("() => notified") == told
        row_of(ann, other).click()
        menu_of(ann, "Notifications off")
        row_of(ann, room).click()
        zoe.send(say="three", n=4)
        zoe.send(say="ann, four", n=5)
        expect(row_of(ann, other)).to_contain_text("2 unread messages")
        assert ann.evaluate("() => notified") == [*told, f"{other}: zoe mentioned you | ann, four"]
        assert not ann.faults


def menu_of(visitor: Visitor, item: str) -> None:
    """Choose something in the shown room's menu."""
    visitor.page.get_by_role("button", name="Room menu").click()
    visitor.page.get_by_role("menuitem", name=item, exact=True).click()


def about(visitor: Visitor, name: str, item: str, answer: str = "") -> None:
    """Choose something in a member's menu, and say yes where it is asked."""
    visitor.page.locator(f"member-list .person[data-name={name}]").click()
    visitor.page.get_by_role("menuitem", name=item, exact=True).click()
    if answer:
        visitor.page.get_by_role("dialog").get_by_role("button", name=answer, exact=True).click()


def fill_in(visitor: Visitor, text: str, button: str) -> None:
    """Answer what a dialog asks for."""
    visitor.page.get_by_role("dialog").get_by_role("textbox").fill(text)
    visitor.page.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()


def test_a_host_moderates_from_menus(own: OwnRelay, visitors: Visitors, room: str) -> None:
    ann = visitors.open().enter(room, "ann", create=True)
    with ExitStack() as stack:
        bob = stack.enter_context(StreamMember(own.relay, room, "bob"))
        bob.speak_up()
        about(ann, "bob", "Mute")
        ann.is_told("bob is muted")
        bob.send(say="nobody hears this", n=1)
        assert bob.hear("refused")["refused"] == "muted"
        about(ann, "bob", "Unmute")
        ann.is_told("bob may speak again")
        bob.send(say="here I am", n=2)
        ann.hears_last("here I am")
        menu_of(ann, "Topic…")
        fill_in(ann, "tea at four", "Topic")
        ann.has_topic("tea at four")
        menu_of(ann, "Password…")
        fill_in(ann, "open sesame", "Password")
        ann.is_told("The room has a new password.")
        with pytest.raises(RefusedError) as refused:
            StreamMember(own.relay, room, "cem")
        assert refused.value.status == WRONG_PASSWORD
        menu_of(ann, "Remove the password")
        ann.is_told("The room has no password any more.")
        cem = stack.enter_context(StreamMember(own.relay, room, "cem"))
        cem.speak_up()
        about(ann, "cem", "Kick…", "Kick")
        assert cem.hear("bye")["bye"] == "kicked"
        about(ann, "bob", "Ban…", "Ban")
        assert bob.hear("bye")["message"] == "The host of this room has banned you."
        ann.members_are(["ann"])
        menu_of(ann, "Show bans")
        ann.is_told("Banned: bob.")
        menu_of(ann, "Unban…")
        fill_in(ann, "bob", "Unban")
        ann.is_told("bob may come in again.")
        again = stack.enter_context(StreamMember(own.relay, room, "bob"))
        again.speak_up()
        about(ann, "bob", "Make host…", "Make host")
        ann.is_told("bob is the host now")
        ann.members_are(["bob", "ann"])
        ann.page.get_by_role("button", name="Room menu").click()
        expect(ann.page.get_by_role("menuitem", name="Topic…")).to_have_count(0)
        assert not ann.faults


def test_on_a_phone_the_focus_goes_along(visitors: Visitors, room: str) -> None:
    """Go to the members, to the rooms and back: what is hidden can't have the focus, and nothing else would have it."""
    ann = visitors.open(SMALL_PHONE, is_mobile=True, has_touch=True).enter(room, "ann", create=True)
    page = ann.page
    expect(page.get_by_role("log")).to_be_focused()
    members, back = page.get_by_title("Members"), page.get_by_title("Back to the messages")
    expect(members).to_have_attribute("aria-expanded", "false")
    members.click()
    expect(back).to_be_focused()
    back.click()
    expect(members).to_be_focused()
    members.click()
    about(ann, "ann", "Mention")
    expect(page.get_by_label("Write a message")).to_be_focused()
    expect(members).to_have_attribute("aria-expanded", "false")
    page.get_by_title("Back to the rooms").click()
    expect(row_of(ann, room)).to_be_focused()
    row_of(ann, room).click()
    expect(page.get_by_role("log")).to_be_focused()
    page.set_viewport_size({"width": 1100, "height": 700})
    expect(members).to_have_attribute("aria-expanded", "true")
    members.click()
    expect(members).to_have_attribute("aria-expanded", "false")
    page.get_by_title("New room").click()
    ann.enter(f"{room} too", "ann", create=True)
    expect(members).to_have_attribute("aria-expanded", "false")  # they stay hidden
    assert not ann.faults


def test_on_a_phone_the_members_hide_no_warning(visitors: Visitors, room: str) -> None:
    ann = visitors.open().enter(room, "ann", create=True)
    bob = visitors.open(SMALL_PHONE, is_mobile=True, has_touch=True).enter(room, "bob")
    bob.page.get_by_title("Members").click()
    ann.say("/leave")
    ann.page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    bob.is_warned("The host left, so the room closed. Create it again, or join another room.")
    expect(bob.page.get_by_role("log")).to_be_hidden()
    bob.page.get_by_role("button", name="Create the room").click()
    expect(bob.page.locator("room-banner")).to_be_hidden()
    expect(bob.page.get_by_title("Back to the messages")).to_be_visible()
    assert not ann.faults + bob.faults


def test_where_a_system_forces_its_colours_ones_own_name_can_be_read(
    own: OwnRelay, visitors: Visitors, room: str
) -> None:
    with StreamMember(own.relay, room, "zoe", create=True) as zoe:
        zoe.speak_up()
        ann = visitors.open(forced_colors="active", color_scheme="dark").enter(room, "ann")
        zoe.send(say="ann, can you read this?", n=1)
        ann.hears_last("ann, can you read this?")
        assert ann.page.locator(".bubble mark").evaluate(COLOUR) == ann.page.locator(".bubble").evaluate(COLOUR)
        assert not ann.faults
