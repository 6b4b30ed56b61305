"""How the clients are passed on: wheels with their entry points and data, a launcher for Linux's desktops, the icon."""

import configparser
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from deploy.compose import run
from docs.markdown import ROOT, read
from icon import draw_icon
from messenger.core.schemes import PLAIN_SCHEME, TLS_SCHEME
from messenger.desktop.arguments import PROGRAM
from messenger.desktop.loading import DEBIAN_PACKAGES
from notices import UnknownLicenceError, write_notices

SCRIPT = "deploy/desktop/launcher.sh"
LAUNCHER = "deploy/desktop/chat-desktop.desktop"
PICTURE = ROOT / "services/messenger/src/messenger/desktop/images/chat-desktop.svg"
Words = list[str | Path]
OURS = ("libs/chatproto", "libs/chatbrain", "libs/chatclient", "services/messenger")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Build the messenger and what of ours it needs."""
    folder = tmp_path_factory.mktemp("wheels")
    for package in OURS:
        command: Words = [sys.executable, "-m", "flit_core.wheel", "--outdir", folder, ROOT / package]
        subprocess.run(command, check=True, capture_output=True, timeout=50)
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheels, and lend the other libraries from here; returns the folder of the programs."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=50)
    python = folder / "bin/python"
    command: Words = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*command, *wheels], check=True, capture_output=True, timeout=50)
    (site,) = folder.glob("lib/python*/site-packages")
    # A folder in a .pth file comes without the .pth files in it, so without this project's own sources.
    (ours,) = {path for path in sys.path if path.endswith("site-packages") and path.startswith(sys.prefix)}
    (site / "lent.pth").write_text(f"{ours}\n", encoding="utf-8")
    return python.parent


@pytest.mark.needs("desktop")
@pytest.mark.parametrize("program", ["chat", "chat-desktop"])
def test_wheels_bring_the_programs_in_both_languages(program: str, installed: Path) -> None:
    def say(*words: str) -> str:
        command: Words = [installed / program, *words]
        return subprocess.run(command, cwd="/", capture_output=True, text=True, check=True, timeout=50).stdout

    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", say("--version"))
    assert "名前" in say("--help", "--lang", "ja")
    asked = (
        "import messenger, chatclient, chatproto; print(messenger.__file__, chatclient.__file__, chatproto.__file__)"
    )
    files = subprocess.run([installed / "python", "-c", asked], cwd="/", capture_output=True, text=True, check=True)
    assert all(Path(file).is_relative_to(installed.parent) for file in files.stdout.split())


def test_the_window_comes_without_a_console_and_with_an_extra(wheels: list[Path]) -> None:
    (wheel,) = (wheel for wheel in wheels if wheel.name.startswith("messenger-"))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entries,) = (archive.read(name).decode() for name in names if name.endswith("/entry_points.txt"))
        (about,) = (archive.read(name).decode() for name in names if name.endswith("/METADATA"))
    points = configparser.ConfigParser()
    points.read_string(entries)
    assert list(points["console_scripts"]) == ["chat"]
    assert list(points["gui_scripts"]) == ["chat-desktop"]
    assert re.search(r"^Requires-Dist: PySide6-Essentials.*extra == .desktop.$", about, re.MULTILINE)
    there = {str(path.relative_to(ROOT / "services/messenger/src")) for path in data_files()}
    assert there <= set(names)


def data_files() -> list[Path]:
    package = ROOT / "services/messenger/src/messenger"
    files = [path for suffix in ("mo", "svg", "tcss", "typed") for path in package.rglob(f"*.{suffix}")]
    assert PICTURE in files
    return files


@pytest.mark.needs("desktop-files")
def test_the_launcher_is_valid() -> None:
    checked = run("desktop-file-validate", LAUNCHER)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_launcher_is_about_this_program() -> None:
    entry = entry_of(ROOT / LAUNCHER)
    assert entry["Exec"] == f"{PROGRAM} %u"
    # Windows are told from others by this, on X11 and on Wayland.
    assert entry["StartupWMClass"] == entry["Icon"] == Path(LAUNCHER).stem == PROGRAM
    assert entry["MimeType"] == f"x-scheme-handler/{PLAIN_SCHEME};x-scheme-handler/{TLS_SCHEME};"
    for key in ("Name", "GenericName", "Comment", "Keywords"):
        assert re.search(r"[\u3040-\u9fff]", entry[f"{key}[ja]"])


def entry_of(path: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as the documentation of configparser has it
    parser.read(path, encoding="utf-8")
    return parser["Desktop Entry"]


def test_a_launcher_comes_and_goes(tmp_path: Path) -> None:
    program = tmp_path / 'my "$5" progr%ms' / "chat-desktop"
    program.parent.mkdir()
    program.touch(mode=0o755)
    share = tmp_path / "share"
    called = run(SCRIPT, "install", str(program), environment={"XDG_DATA_HOME": str(share)})
    assert not called.returncode, called.stderr
    entry = share / "applications/chat-desktop.desktop"
    command = entry_of(entry)["Exec"]
    assert command.endswith(" %u")
    assert unquoted(command.removesuffix(" %u")) == str(program)
    assert (share / "icons/hicolor/scalable/apps/chat-desktop.svg").read_bytes() == PICTURE.read_bytes()
    if shutil.which("desktop-file-validate"):
        checked = run("desktop-file-validate", str(entry))
        assert (checked.returncode, checked.stdout) == (0, "")
    called = run(SCRIPT, "uninstall", environment={"XDG_DATA_HOME": str(share)})
    assert not called.returncode, called.stderr
    assert not list(share.rglob("chat-desktop*"))


def unquoted(word: str) -> str:
    """Read a quoted word of Exec as desktops do: the value's escapes first, then the word's."""
    value = word.replace("\\\\", "\\")
    return re.sub(r'\\(["`$\\])', r"\1", value[1:-1]).replace("%%", "%")


@pytest.mark.parametrize("words", [[], ["install"], ["nonsense"], ["uninstall", "all"], ["install", "/nowhere"]])
def test_wrong_arguments_of_the_script_get_one_sentence(words: list[str], tmp_path: Path) -> None:
    refused = run(SCRIPT, *words, environment={"XDG_DATA_HOME": str(tmp_path)})
    assert refused.returncode == 2
    assert re.fullmatch(r"launcher: .*\b(?:use|run) .*\.\n", refused.stderr)
    assert not list(tmp_path.iterdir())


@pytest.mark.needs("desktop")
@pytest.mark.parametrize(("platform", "size"), [("win32", 256), ("darwin", 512)])
def test_the_icon_of_other_systems_is_drawn_from_the_same_picture(platform: str, size: int, tmp_path: Path) -> None:
    drawn = draw_icon(PICTURE, tmp_path, platform)
    assert drawn
    with Image.open(drawn) as image:
        assert max(image.size) == size
        assert len(image.convert("RGBA").getcolors(1 << 20) or []) > 10
    assert draw_icon(PICTURE, tmp_path, "linux") is None


def test_no_library_is_passed_on_without_its_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "licences"
    write_notices(folder, [Path(pytest.__file__)])
    assert (folder / f"pytest-{pytest.__version__}" / "LICENSE").exists()
    assert (folder / "LGPL-3.0.txt").exists()
    monkeypatch.setattr("notices._LICENCE", re.compile("nothing"))
    with pytest.raises(UnknownLicenceError, match="pytest brings no licence"):
        write_notices(folder, [Path(pytest.__file__)])


def test_the_guide_names_what_qt_needs_of_debian() -> None:
    words = re.split(r"[\s\\]+", read("docs/desktop.md"))
    assert [word for word in DEBIAN_PACKAGES if word not in words] == []
