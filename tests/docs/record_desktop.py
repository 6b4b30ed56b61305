"""Draw the pictures of ``chat-desktop``, in both languages, light and dark: ``make pictures``.

Who talks there is made up, and so is the relay; the window is the real one, at twice the size of a plain screen.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

os.environ |= {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": "2"}

from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontDatabase, QImage
from PySide6.QtWidgets import QApplication

from chatproto import HostChanged, ListedRoom, MemberJoined, Topic
from docs.talks import MORNING, TALKS, WORDS, Said
from messenger.core.entry import Entry
from messenger.desktop.app import make_application, speak
from messenger.desktop.form import Mode
from messenger.desktop.theme import Theme
from messenger.desktop.window import Window
from messenger.presentation.i18n import use_language
from messenger.store.recents import Recents
from services.messenger.core.fake_relay import Case, listing

PICTURES: Final = Path(__file__).parents[2] / "docs" / "images"
FONT: Final = "Noto Sans CJK JP"
SERVER: Final = "chat.example.org"
WIDTH, HEIGHT = 1000, 700
COLOURS: Final = 256
"""Few enough for a small file, and the rarest ones count as much as the others."""
SCHEMES: Final = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}

ROOMS: Final = {
    "en": (
        ListedRoom("kitchen table", 23, topic="What's for dinner?"),
        ListedRoom("hikers", 4, topic="Sunday hike: meet at 8:30"),
        ListedRoom("choir", 3, password=True),
    ),
    "ja": (
        ListedRoom("台所", 23, topic="今夜の献立"),
        ListedRoom("山歩き", 4, topic="日曜日の山歩き・8時半集合"),
        ListedRoom("合唱団", 3, password=True),
    ),
}


class Studio:
    """A window, and the relay that it speaks to."""

    def __init__(self, app: QApplication, theme: Theme, language: str, folder: Path) -> None:
        self.app, self.language = app, language
        use_language(language)
        speak(app)
        self.case = Case()
        self.case.today = MORNING.astimezone()
        self.case.relay.limit = 4000
        self.name, self.topic, self.answer = WORDS[language]
        self.recents = Recents(folder / language / "recents.json")
        for room in reversed(TALKS[language]):
            self.recents.remember(Entry.read(SERVER, room, self.name))
        self.window = Window(self.case.messenger, theme, self.recents)
        self.window.resize(WIDTH, HEIGHT)
        self.window.show()
        self.window.activateWindow()

    def come_in(self) -> None:
        """Be in every room, and let people talk."""
        (first, said), *others = TALKS[self.language].items()
        for room, lines in others:
            self._enter(room, create=False)
            self._talk(lines)
        self._enter(first, create=False)
        people = list(dict.fromkeys(who for who, _, _ in said if who != self.name))
        for who in people:
            self.case.relay.notices(MemberJoined(who))
        host = people[0]
        self.case.relay.notices(listing(f"{host} (host)", self.name, *people[1:]))
        self.case.relay.notices(Topic(self.topic))
        self.case.relay.notices(HostChanged(host))
        self.window.show_conversation(self.case.messenger.conversations[-1])
        self._talk(said)
        self.window.chat.composer.put(self.answer)
        self.case.messenger.conversations[-2].muted = True

    def open_rooms(self) -> None:
        """Have the relay tell which rooms it has."""
        assert self.case.links.tell_rooms(*ROOMS[self.language])

    def take(self, name: str) -> None:
        """Draw what is to be seen, in few enough colours for a small file."""
        for _ in range(3):
            self.app.processEvents()
            self.window.render_all()
        drawn = self.window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        size = (drawn.width(), drawn.height())
        picture = Image.frombuffer("RGB", size, bytes(drawn.constBits()), "raw", "RGB", drawn.bytesPerLine(), 1)
        file = PICTURES / f"chat-desktop-{name}.png"
        picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(file, optimize=True)
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")

    def _enter(self, room: str, *, create: bool) -> None:
        self.case.messenger.enter(Entry.read(SERVER, room, self.name, create=create))

    def _talk(self, said: list[Said]) -> None:
        messenger = self.case.messenger
        for who, text, seconds in said:
            self.case.links.now += seconds
            if who == self.name:
                messenger.submit(messenger.conversations[-1], text)
            else:
                self.case.relay.says(f"{who}: {text}")
            self.window.render_all()


def record(folder: Path) -> None:
    """Draw all of them."""
    app = make_application(["chat-desktop"])
    if FONT not in QFontDatabase.families():
        raise SystemExit(f"The pictures want the font {FONT}: on Debian, apt install fonts-noto-cjk.")
    app.setFont(QFont(FONT, 10))
    theme = Theme(app)
    for language in TALKS:
        studio = Studio(app, theme, language, folder)
        studio.window.start.form.mode = Mode.JOIN
        studio.open_rooms()
        for scheme, wanted in SCHEMES.items():
            app.styleHints().colorSchemeChanged.emit(wanted)
            studio.take(f"start-{language}-{scheme}")
        studio.come_in()
        for scheme, wanted in SCHEMES.items():
            app.styleHints().colorSchemeChanged.emit(wanted)
            studio.take(f"{language}-{scheme}")
        studio.window.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as given:
        record(Path(given))
