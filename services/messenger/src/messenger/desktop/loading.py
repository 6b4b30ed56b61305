"""What keeps a window from opening: said in a sentence, in a box where there is no console."""

import importlib
import io
import os
import re
import sys
from collections.abc import Callable
from typing import Final, NoReturn

DEBIAN_PACKAGES: Final = (
    "libdbus-1-3",
    "libegl1",
    "libfontconfig1",
    "libgl1",
    "libgssapi-krb5-2",
    "libharfbuzz0b",
    "libwayland-cursor0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "libxkbcommon-x11-0",
)
"""What Qt's own wheels take from the system; some bring others along."""

_APT: Final = f"on Debian or Ubuntu, apt install {' '.join(DEBIAN_PACKAGES)}"
_MISSING_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file")

_ICONS: Final = {True: 0x40, False: 0x10}
"""An ``i`` or a cross, by whether it ended well (MB_ICONINFORMATION, MB_ICONERROR)."""


def run_boxed(program: Callable[[], int]) -> int:
    """Run a program; what it has said when it ends is shown, if it has no console to say it on.

    The program returns its exit code, or ends by SystemExit.
    """
    if sys.stderr is not None:
        return program()
    sys.stdout = sys.stderr = words = io.StringIO()
    try:
        code = program()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    if said := words.getvalue().strip():
        _show(said, code == 0)
    return code


def _show(words: str, well: bool) -> None:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - what is asked is only there on Windows

        ctypes.windll.user32.MessageBoxW(None, words, "chat-desktop", _ICONS[well])


def find_fault() -> str | None:
    """Load Qt; returns a sentence that says what is missing, if something is."""
    try:
        for part in ("QtCore", "QtNetwork", "QtGui", "QtWidgets"):
            importlib.import_module(f"PySide6.{part}")
    except ModuleNotFoundError:
        return "Qt isn't installed: say make install-desktop, or pip install 'pyside6-essentials<6.12'."
    except ImportError as error:
        if found := _MISSING_LIBRARY.search(str(error)):
            return f"Qt misses {found[1]}: {_APT}."
        return f"Qt can't be loaded ({error}): install it anew."
    return None


def end_in_words() -> None:
    """Have Qt say in a sentence why it can't open a window, in place of a crash; until the first window is open."""
    from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler  # noqa: PLC0415 - not before

    def handle(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
        if kind is QtMsgType.QtFatalMsg:
            _give_up()
        if not (context.category or "").startswith("qt.qpa."):  # these lead up to it, in several lines
            print(text, file=sys.stderr)

    qInstallMessageHandler(handle)


def _give_up() -> NoReturn:
    # Of what Qt says before it gives up, only this helps; coming back to it from here means a crash.
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        why = "there is no screen: start it in a desktop session"
    else:
        why = f"the screen doesn't answer, or a library is missing: {_APT}"
    print(f"chat-desktop: Qt can't open a window, for {why}.", file=sys.stderr, flush=True)
    os._exit(2)
