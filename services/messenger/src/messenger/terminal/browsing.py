"""Links are opened in a browser, where there is a screen for one."""

import sys
import webbrowser
from collections.abc import Mapping


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
