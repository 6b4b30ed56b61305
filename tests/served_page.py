"""Write the page as browsers get it, and its unit tests beside it: ``python -m served_page FOLDER``."""

import shutil
import sys
from pathlib import Path
from typing import Final

from web_client import page_files

ROOT: Final = Path(__file__).parents[1]
BESIDE: Final = ("services/messenger", "tests")
"""What the unit tests read besides the page."""


def write(folder: Path) -> Path:
    """Fill a folder anew with what the unit tests need, laid out as in the repository; returns where they are."""
    shutil.rmtree(folder, ignore_errors=True)
    client = folder / "services/web-client"
    for path, body in page_files().items():
        file = client / "src/web_client/page" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    shutil.copytree(ROOT / "services/web-client/tests", client / "tests")
    shutil.copy(ROOT / "services/web-client/package.json", client)
    for other in BESIDE:
        (folder / other).symlink_to(ROOT / other)
    return client / "tests"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
