"""How long the window of chat-desktop is busy for a frame: 10,000 lines of history, and 200 messages a second.

Nothing is shown on a screen: Qt paints into memory, as it does for a window. The relay is one in memory.
"""

import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from bench.arguments import Parser, count, seconds
from chatbrain import ServerAddress
from messenger.core.entry import Entry
from messenger.desktop.theme import Theme
from messenger.desktop.window import Window
from messenger.store.recents import Recents
from services.messenger.core.fake_relay import Case

FRAMES_A_SECOND = 30
WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "https://example.org/page", "こんにちは", "今日は良い天気です")


class Stage:
    """A window with a room that has a long history, and another one."""

    def __init__(self, app: QApplication, lines: int, folder: str) -> None:
        self.app = app
        self.case = Case()
        self.messenger = self.case.messenger
        self.case.relay.limit = 4096
        self.window = Window(self.messenger, Theme(app), Recents(Path(folder, "recents.json")))
        self.window.resize(1040, 700)
        self.window.show()
        self.window.activateWindow()
        server = ServerAddress("relay.example", 9000)
        self.busy = self.messenger.enter(Entry(server, "busy", "ann"))
        self.other = self.messenger.enter(Entry(server, "other", "ann"))
        self._random = random.Random(1)
        self.said = 0
        self.say(lines)
        self.window.show_conversation(self.busy)
        self.settle()

    def say(self, count: int) -> None:
        """Have people say things in the busy room."""
        for _ in range(count):
            self.said += 1
            text = " ".join(self._random.choices(WORDS, k=self._random.randint(2, 30)))
            self.case.relay.says(f"guest{self._random.randint(1, 40)}: {text}", link=0)

    def settle(self) -> None:
        """Do all that is to be done."""
        for _ in range(3):
            self.app.processEvents()

    def frame(self) -> float:
        """Draw a frame; returns for how many milliseconds the window was busy."""
        start = time.thread_time()
        self.window.render_all()
        self.app.processEvents()
        return (time.thread_time() - start) * 1000


def run(stage: Stage, seconds: float, rate: int, each: Callable[[int], None] = lambda _number: None) -> list[float]:
    """Draw frames while people talk; ``each`` does something before each frame, which counts as well."""
    times = []
    due = time.perf_counter()
    owed = 0.0
    for number in range(round(seconds * FRAMES_A_SECOND)):
        owed += rate / FRAMES_A_SECOND
        stage.say(int(owed))
        owed -= int(owed)
        start = time.thread_time()
        each(number)
        times.append((time.thread_time() - start) * 1000 + stage.frame())
        due += 1 / FRAMES_A_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
    return sorted(times)


def report(name: str, times: list[float]) -> None:
    """Print a row of the table."""
    middle, late = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
    print(f"| {name} | {middle:.1f} | {late:.1f} | {times[-1]:.1f} |", flush=True)


def main() -> None:
    """Measure, and print a table."""
    parser = Parser(prog="desktop-bench", description=__doc__)
    parser.add_argument("--seconds", type=seconds, default=8.0, help="how long each row is measured")
    parser.add_argument("--lines", type=count, default=10_000, help="lines of history")
    parser.add_argument("--rate", type=count, default=200, help="messages a second")
    options = parser.parse_args()
    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(app, options.lines, folder)
        window, transcript = stage.window, stage.window.chat.area.transcript
        bar = transcript.verticalScrollBar()
        print(f"Milliseconds of work for a frame; {options.lines} lines of history, {options.rate} messages/s.\n")
        print("| | median | p99 | longest |\n| --- | --- | --- | --- |")
        transcript.jump()
        report("following the newest", run(stage, options.seconds, options.rate))
        bar.setValue(bar.maximum() // 2)
        report("scrolled back", run(stage, options.seconds, options.rate))
        transcript.jump()
        report("scrolling up all the way", run(stage, options.seconds, options.rate, lambda _: bar.setValue(0)))
        transcript.jump()
        widths = [640 + 8 * step for step in range(50)]
        resize = lambda number: window.resize(widths[number % 50], 700)  # noqa: E731 - one of several like it
        report("resized all the time", run(stage, options.seconds, options.rate, resize))
        rooms = [stage.busy, stage.other]
        switch = lambda number: window.show_conversation(rooms[number % 2])  # noqa: E731
        transcript.jump()
        report("another room each time", run(stage, options.seconds, options.rate, switch))
        print(f"\n{stage.said} messages.")
        window.close()


if __name__ == "__main__":
    main()
