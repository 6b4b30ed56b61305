"""What a program says that Windows has started without a console: in a box, or nobody would see it."""

import io
import sys
from collections.abc import Callable
from typing import Final

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
