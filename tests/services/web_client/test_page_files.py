"""What the relay serves of the page: the files as they are written, without what only who reads them needs."""

import sys
from importlib.resources import files
from typing import Final

import pytest

from web_client import page_files

LINUX: Final = pytest.mark.skipif(sys.platform != "linux", reason="what takes out comments has wheels for Linux alone")
MOST_BYTES: Final = 120 * 1024
LATER: Final = (
    "icon-unread.svg", "icon.png", "i18n/", "js/notices.js", "js/sentences.js", "js/ui/help.js", "js/ui/room-menu.js",
)  # fmt: skip
"""When something is unread, the page is installed, the language isn't English, one asks for help, or is in a room."""


def test_every_file_is_served() -> None:
    page = files("web_client") / "page"
    served = page_files()
    assert len(served) > 50
    for path, body in served.items():
        written = page.joinpath(path).read_bytes()
        assert body == written or path.endswith((".css", ".js"))
        assert body.decode() if path.endswith((".css", ".js")) else body


@LINUX
def test_a_first_visit_in_english_loads_120_kib_at_most() -> None:
    loaded = {path: len(body) for path, body in page_files().items() if not path.startswith(LATER)}
    print(f"The page has {sum(loaded.values()) / 1024:.1f} KiB.")
    assert sum(loaded.values()) <= MOST_BYTES


@LINUX
def test_comments_are_left_out() -> None:
    for path, body in page_files().items():
        if path.endswith((".css", ".js")):
            assert b"/*" not in body, path
