"""Draw the pictures of the page in a browser, on a desk and on a phone: a part of ``make pictures``.

The relay, the page and the browser are real; who talks there is made up.
"""

import io
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from conformance.relays import OwnRelay
from docs.talks import MORNING, TALKS, WORDS, Said
from e2e.browsing import find_chromium, running_browser
from e2e.streaming import StreamMember
from ports import free_ports

PICTURES: Final = Path(__file__).parents[2] / "docs" / "images"
EXACT, COLOURS = 96, 256
"""So few colours make a small file; those of the largest areas stay as they are."""
FONT: Final = "Noto Sans CJK JP"
"""As in the pictures of the window: what a system calls its own differs."""
LOCALES: Final = {"en": "en-GB", "ja": "ja-JP"}
SCHEMES: Final = ("light", "dark")
DEVICES: Final[Mapping[str, Mapping[str, Any]]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


class Room:
    """A room, and those who talk in it besides the one whose page it is."""

    def __init__(self, relay: OwnRelay, name: str, said: list[Said], own: str, ends: ExitStack) -> None:
        self.name, self.own, self._lines = name, own, said
        others = list(dict.fromkeys(who for who, _, _ in said if who != own))
        self._members = {
            who: ends.enter_context(StreamMember(relay.relay, name, who, create=who == others[0])) for who in others
        }
        self._said = dict.fromkeys(others, 0)
        for member in self._members.values():
            member.speak_up()
        self.host = others[0]

    def say(self, who: str, text: str) -> None:
        """Let somebody say something."""
        self._said[who] += 1
        self._members[who].send(say=text, n=self._said[who])

    def talk(self, page: Page, now: datetime, *, is_shown: bool) -> datetime:
        """Let everybody talk, each after so many seconds."""
        for who, text, seconds in self._lines:
            now += timedelta(seconds=seconds)
            page.clock.set_fixed_time(now)
            if who == self.own:
                page.locator("#words").fill(text)
                page.locator("#words").press("Enter")
            else:
                self.say(who, text)
            if is_shown:
                expect(page.locator("article .bubble").last).to_have_text(text)
            else:
                row = page.locator("room-list .room", has=page.get_by_text(self.name, exact=True))
                expect(row.locator(".below")).to_have_text(f"{who}: {text}")
        return now


def enter(page: Page, room: str, name: str) -> None:
    """Fill in the form and get in."""
    page.locator("#name").fill(name)
    page.locator("#room").fill(room)
    page.locator("start-page [type=submit]").click()
    expect(page.locator("room-view h1")).to_have_text(room)


def come_in(page: Page, rooms: list[Room], language: str) -> None:
    """Enter every room, and let people talk there, in the first one last."""
    own, topic, answer = WORDS[language]
    now = MORNING.replace(tzinfo=UTC)
    page.clock.set_fixed_time(now)
    first, *others = rooms
    for room in (*others, first):
        if page.locator("room-view").count():
            page.evaluate("document.querySelector('chat-app').showStart()")
        enter(page, room.name, own)
    first.say(first.host, f"/topic {topic}")
    expect(page.locator("room-view .about bdi")).to_have_text(topic)
    for room in others:
        now = room.talk(page, now, is_shown=False)
    first.talk(page, now, is_shown=True)
    page.locator("#words").fill(answer)
    page.mouse.move(0, 0)  # away from what would show a button


@contextmanager
def opened(browser: Browser, address: str, device: str, language: str) -> Iterator[Page]:
    """Open the page on a device."""
    context = browser.new_context(
        locale=LOCALES[language], timezone_id="UTC", device_scale_factor=2, reduced_motion="reduce", **DEVICES[device]
    )
    page = context.new_page()
    page.goto(address)
    expect(page.locator("start-page form")).to_be_visible()
    page.evaluate("font => document.documentElement.style.fontFamily = font", FONT)
    yield page
    context.close()


def with_few_colours(drawn: Image.Image) -> Image.Image:
    """Give each dot the nearest of a few colours, the commonest of which stay as they are."""
    dots = np.asarray(drawn, np.int32) @ (65_536, 256, 1)
    found, place, counts = np.unique(dots, return_inverse=True, return_counts=True)
    colours = np.stack((found >> 16, found >> 8 & 255, found & 255), axis=1)
    spread = drawn.quantize(COLOURS - EXACT, Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = np.concatenate((colours[np.argsort(-counts)[:EXACT]], np.reshape(spread, (-1, 3))))[:COLOURS]
    nearest = np.abs(colours[:, None] - palette[None]).sum(axis=2).argmin(axis=1)
    few = Image.frombytes("P", drawn.size, nearest[place].astype(np.uint8).tobytes())
    few.putpalette([int(level) for level in palette.flat])
    return few


def take(page: Page, name: str) -> None:
    """Take a picture in each scheme of colours."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        drawn = Image.open(io.BytesIO(page.screenshot(caret="hide"))).convert("RGB")
        file = PICTURES / f"chat-web-{name}-{scheme}.png"
        with_few_colours(drawn).save(file, optimize=True)
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


def record(folder: Path) -> None:
    """Take all of them; each has a relay of its own, so that people come in in the same order."""
    with running_browser() as browser:
        for language, talks in TALKS.items():
            for device in DEVICES:
                (port,) = free_ports(1)
                relay = OwnRelay(folder / f"{language}-{device}", {"RELAY_WEB_PORT": str(port)})
                with ExitStack() as ends:
                    ends.callback(relay.stop)
                    rooms = [Room(relay, name, said, WORDS[language][0], ends) for name, said in talks.items()]
                    with opened(browser, f"http://127.0.0.1:{port}/", device, language) as page:
                        come_in(page, rooms, language)
                        take(page, f"{device}-{language}")


def main() -> int:
    """Take the pictures if there is a browser; returns the exit code."""
    if find_chromium() is None:
        print(
            "The pictures of the page stay as they are: there is no Chromium (on Debian, apt install chromium).",
            file=sys.stderr,
        )
        return 0
    with tempfile.TemporaryDirectory() as given:
        record(Path(given))
    return 0


if __name__ == "__main__":
    sys.exit(main())
