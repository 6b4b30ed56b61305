"""What differs between operating systems: event loops, signals, how output is encoded, where a browser opens."""

import asyncio
import codecs
import io
import os
import signal
import sys
import webbrowser
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

T = TypeVar("T")

_BEAT_SECONDS: Final = 0.25


def run(program: Coroutine[Any, Any, T]) -> T:
    """Run a program to its end, on an event loop that can watch UDP sockets: Windows' usual one can't."""
    factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(program)


def on_end(act: Callable[[], object], *, interrupt: bool = False) -> None:
    """Act when the system wants the program to end, from now on and instead of what was to be done before.

    To be called in a running event loop; ``interrupt`` says that Ctrl-C means the same.
    """
    loop = asyncio.get_running_loop()
    numbers = {signal.SIGTERM, *((signal.SIGINT,) if interrupt else ())}
    if sys.platform == "win32":
        for number in {*numbers, signal.SIGBREAK}:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(act))
        _stay_awake(loop)
    else:
        for number in {*numbers, signal.SIGHUP}:
            loop.add_signal_handler(number, act)


def _stay_awake(loop: asyncio.AbstractEventLoop) -> None:
    """Give Python a chance to notice signals: on Windows they don't wake a loop that waits for sockets."""
    loop.call_later(_BEAT_SECONDS, _stay_awake, loop)


def be_printable() -> None:
    """Let no character that an output can't show end the program, nor a standard stream that its caller closed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as it runs
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What goes through pipes is UTF-8 like what comes in; Windows would have it otherwise. A locale that knows
            # ASCII alone is one that nobody chose.
            unchosen = codecs.lookup(stream.encoding).name == "ascii"
            encoding = "utf-8" if unchosen or (sys.platform == "win32" and not stream.isatty()) else None
            stream.reconfigure(encoding=encoding, errors="replace")


def has_screen(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether there is a terminal that an app can be drawn on."""
    # Textual draws on the standard error, and reads the standard input.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        return False
    return sys.platform == "win32" or environ.get("TERM", "") not in {"", "dumb"}


def open_link(url: str, environ: Mapping[str, str]) -> bool:
    """Open a web address; False if there is no screen for it here, such as over ssh: text browsers are no help."""
    if "SSH_CONNECTION" in environ:
        return False
    if sys.platform not in {"darwin", "win32"} and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
