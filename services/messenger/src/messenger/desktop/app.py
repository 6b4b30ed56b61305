"""The program: builds the parts, shows the window, and leaves the rooms in the end."""

import locale
import random
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QLibraryInfo, QLocale, QSettings, QSize, QTranslator, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QWidget

from chatclient.links import SocketLinks
from messenger.core.ignoring import IgnoreStore
from messenger.core.messenger import Links, Messenger
from messenger.core.trusting import KnownServersError, TrustStore
from messenger.desktop.arguments import PROGRAM, Arguments
from messenger.desktop.interrupts import Interrupts
from messenger.desktop.key_ring import KeyRing, key_ring
from messenger.desktop.single_instance import SingleInstance, hand_over
from messenger.desktop.sockets import QtLoop
from messenger.desktop.theme import Theme
from messenger.desktop.window import Window
from messenger.presentation import wording
from messenger.presentation.i18n import language
from messenger.store.ignored import IgnoredPeople
from messenger.store.known_servers import KnownServers, default_path
from messenger.store.logbook import Logbook, LogbookError
from messenger.store.recents import Recents

_DONE, _WRONG_USAGE = 0, 2
_GEOMETRY: Final = "geometry"
_SOUND: Final = "sound"
_ZOOM: Final = "zoom"
_FRAME: Final = QSize(20, 60)
"""What a frame and a title may take, which aren't known before a window is there."""


def run(arguments: Arguments) -> int:
    """Show the window until it is closed, or have the one that is there show a link.

    Returns 0, or 2 if a file can't be used.
    """
    app = make_application(sys.argv[:1])
    try:
        state = default_path()
        logbook = Logbook(arguments.log) if arguments.log else None
    except (KnownServersError, LogbookError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return _WRONG_USAGE
    socket = state.with_name("window.sock")
    if (
        arguments.invite
        and not (arguments.name or logbook or arguments.transport)
        and hand_over(socket, arguments.invite)
    ):
        return _DONE
    recents = Recents(state.with_name("recents.json"))
    ignored = IgnoredPeople(state.with_name("ignored.json"))
    window = build(app, SocketLinks(QtLoop()), KnownServers(state), ignored, recents, keys=key_ring(), logbook=logbook)
    window.messenger.transport = arguments.transport
    if arguments.name:
        window.start.form.name.setText(arguments.name)
    if not (arguments.name or logbook or arguments.transport):  # the one that is as the person left it
        window.reopen()
    if arguments.invite:
        window.open_invite(arguments.invite)
    settings = state.with_name("window.ini")
    restore_zoom(window.theme, settings)
    restore_geometry(window, settings)
    window.hear_notifications(sound=hears_sound(settings))
    instance = SingleInstance(socket)
    instance.invited.connect(window.welcome)
    interrupts = Interrupts(window.close_surely)
    window.show()
    app.exec()
    interrupts.end()
    instance.end()
    save_geometry(window, settings)
    save_zoom(window.theme, settings)
    keep_sound(settings, sound=window.attention.sound)
    if logbook:
        logbook.close()
    return _DONE


def make_application(arguments: Sequence[str]) -> QApplication:
    """Make what every window needs, once; Qt's own words about it go to the standard error from now on."""
    application = QApplication(list(arguments))
    application.setApplicationName(PROGRAM)
    application.setDesktopFileName(PROGRAM)
    if hasattr(locale, "LC_MESSAGES"):
        # Qt has switched on the system's language, also for what the system says of errors: that is worded elsewhere.
        locale.setlocale(locale.LC_MESSAGES, "C")
    qInstallMessageHandler(None)
    return application


def build(
    app: QApplication,
    links: Links,
    trust: TrustStore,
    ignored: IgnoreStore,
    recents: Recents,
    *,
    keys: KeyRing | None = None,
    logbook: Logbook | None = None,
) -> Window:
    """Make a window upon links."""
    speak(app)
    messenger = Messenger(
        links, trust, ignored, word=wording.word, random=random.random, clock=lambda: datetime.now().astimezone()
    )
    if logbook:
        logbook.follow(messenger)
    return Window(messenger, Theme(app), recents, keys)


def speak(app: QApplication) -> None:
    """Have Qt's own texts in the language of the program."""
    QLocale.setDefault(QLocale(language()))
    translator = QTranslator(app)
    if translator.load(f"qtbase_{language()}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(translator)


def restore_geometry(window: QWidget, path: Path) -> None:
    """Put a window where it was, as far as the screens are still there; the first time make it fit the screen."""
    kept = _settings(path).value(_GEOMETRY)
    if not (isinstance(kept, QByteArray) and window.restoreGeometry(kept)):
        window.resize(window.size().boundedTo(window.screen().availableGeometry().size() - _FRAME))


def save_geometry(window: QWidget, path: Path) -> None:
    """Write down where a window is; what only spares a movement isn't worth an error if it can't be written."""
    _settings(path).setValue(_GEOMETRY, window.saveGeometry())


def hears_sound(path: Path) -> bool:
    """Tell whether notifications may be heard; they may until somebody says otherwise."""
    return bool(_settings(path).value(_SOUND, defaultValue=True, type=bool))


def keep_sound(path: Path, *, sound: bool) -> None:
    """Write down whether notifications may be heard."""
    _settings(path).setValue(_SOUND, sound)


def restore_zoom(theme: Theme, path: Path) -> None:
    """Make letters as large as they were."""
    try:
        zoom = int(str(_settings(path).value(_ZOOM, 0)))
    except ValueError:  # somebody else wrote that
        zoom = 0
    theme.zoom_to(zoom)


def save_zoom(theme: Theme, path: Path) -> None:
    """Write down how large letters are."""
    _settings(path).setValue(_ZOOM, theme.zoom)


def _settings(path: Path) -> QSettings:
    return QSettings(str(path), QSettings.Format.IniFormat)
