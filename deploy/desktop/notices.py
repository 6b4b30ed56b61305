"""Licences that go along with the program: of every library of which there is a file in the folder."""

import csv
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
QT: Final = ("PySide6_Essentials", "shiboken6")
"""Their wheels bring no text."""

_LICENCE: Final = re.compile(r"(?i)(?:licen[cs]e|copying|notice|copyright)[^/\\]*$")
_ABOUT: Final = """\
chat-desktop {version} is under the MIT licence; its text is in LICENSE here.

It comes with Qt and PySide6 {qt}, which are used under the GNU Lesser General Public License, version 3 only
(LGPL-3.0.txt, which adds to GPL-3.0.txt, both here). They are as their makers built them, in files of their own below
_internal/PySide6 and _internal/shiboken6: you may put another build of them in their place, and you may take the
program apart to mend what goes wrong with a changed Qt. Their source text is published at
https://download.qt.io/official_releases/QtForPython/ and https://download.qt.io/official_releases/qt/, and what they
contain themselves is listed at https://doc.qt.io/qt-6/licenses-used-in-qt.html.

Each folder here holds what another library asks to be passed on; those below system/ are of the system that this
was built on, where its packages can be asked.
"""


class UnknownLicenceError(Exception):
    """Something would be passed on without its licence; ``str()`` is the sentence that says what."""


def write_notices(folder: Path, sources: Iterable[Path]) -> None:
    """Write the licences of all that files were taken from.

    Args:
        folder: is made anew.
        sources: the files, where they were installed.

    Raises:
        UnknownLicenceError: an installed library has no licence in a file.

    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for text in (ROOT / "LICENSE", *sorted((HERE / "licences").glob("*.txt"))):
        shutil.copy(text, folder)
    about = _ABOUT.format(version=metadata.version("messenger"), qt=metadata.version(QT[0]))
    (folder / "README.txt").write_text(about, encoding="utf-8")
    _copy(folder / f"Python-{platform.python_version()}", _of_python())
    files = {str(source.resolve()) for source in sources}
    owners = _owners()
    for name in sorted({owners[file] for file in files & owners.keys()} - set(QT)):
        library = metadata.distribution(name)
        texts = [Path(str(file.locate())) for file in library.files or [] if _LICENCE.search(str(file))]
        if not texts:
            raise UnknownLicenceError(f"{name} brings no licence in a file: add its text to {HERE / 'licences'}.")
        _copy(folder / f"{name}-{library.version}", texts)
    for package in sorted(_system_packages(files - owners.keys())):
        _copy(folder / "system" / package, [Path("/usr/share/doc", package, "copyright")])


def _owners() -> dict[str, str]:
    """Return which library each installed file is of; the project's own are of none."""
    owners = {}
    for library in metadata.distributions():
        folder, title = Path(str(library.locate_file(""))).resolve(), library.metadata["Name"]
        for name, *_hash_and_size in csv.reader((library.read_text("RECORD") or "").splitlines()):
            owners[os.path.join(folder, name)] = title  # noqa: PTH118 - they are tens of thousands
    return owners


def _of_python() -> Iterator[Path]:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    places = (Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix), Path("/usr/share/doc", version))
    for file in (place / name for place in places for name in ("LICENSE.txt", "copyright")):
        if file.exists():
            yield file
            return


def _system_packages(files: Iterable[str]) -> set[str]:
    """Ask Debian's or Ubuntu's packages whose the files are; elsewhere nobody can be asked."""
    libraries = [file for file in files if ".so" in file]
    if not (libraries and shutil.which("dpkg-query")):
        return set()
    # A file below /usr/lib may be listed below /lib.
    libraries += [library.removeprefix("/usr") for library in libraries if library.startswith("/usr/lib/")]
    said = subprocess.run(["dpkg-query", "--search", *libraries], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"^([\w.+-]+)(?::\w+)?: /", said, re.MULTILINE))


def _copy(folder: Path, texts: Iterable[Path]) -> None:
    for text in texts:
        if text.exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(text, folder)
