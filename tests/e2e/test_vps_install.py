"""The script that installs the relay on a server, run into a directory: install, again, upgrade, back out."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from docs.markdown import ROOT

pytestmark = [
    pytest.mark.timeout(600),  # two versions are built
    pytest.mark.skipif(sys.platform != "linux", reason="the script is for Linux with systemd"),
]
DEADLINE_SECONDS: Final = 300.0
SERVICE: Final = "deploy/vps/chat-relay.service"
INGREDIENTS: Final = (
    "libs/chatproto",
    "libs/chatbrain",
    "libs/chatclient",
    "services/web-client",
    "services/relay-server",
    "requirements",
    "deploy/vps",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A directory that stands for a server's root, and a checkout of our own."""

    root: Path
    source: Path

    def install(self, *words: str, python: str | Path = sys.executable) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
        return subprocess.run(
            [self.source / "deploy/vps/install.sh", "--root", self.root, *words],
            env=kept | {"PYTHON": str(python)}, capture_output=True, text=True, timeout=DEADLINE_SECONDS,
            check=False,
        )  # fmt: skip

    def relay(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command that people have, with nothing in the environment."""
        return subprocess.run(
            [self.root / "usr/local/bin/relay-server", *words],
            env={}, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False,
        )  # fmt: skip

    def link(self, name: str) -> str:
        """Return which version a link names; nothing if it isn't there."""
        link = self.root / "opt/chat-relay" / name
        return link.readlink().name if link.is_symlink() else ""

    @property
    def settings(self) -> Path:
        return self.root / "etc/chat-relay/relay.env"

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        path = self.source / name
        path.write_text(change(path.read_text()))

    def versions(self) -> set[str]:
        return {path.name for path in (self.root / "opt/chat-relay/versions").iterdir()}


def installed(server: Server, *words: str, python: str | Path = sys.executable) -> str:
    """Install, which must go well, and return the current version."""
    done = server.install(*words, python=python)
    assert done.returncode == 0, done.stderr
    return server.link("current")


def test_the_life_of_an_installation(tmp_path: Path) -> None:
    """One test, for each installation takes its time."""
    server = Server(tmp_path / "root", tmp_path / "source")
    for name in INGREDIENTS:
        shutil.copytree(ROOT / name, server.source / name, ignore=shutil.ignore_patterns("__pycache__"))
    installed(server, python=bare_python(tmp_path))
    check_what_is_installed(server)
    check_that_only_what_the_relay_needs_is_installed(server)
    check_that_the_command_has_the_services_settings_and_installing_again_builds_nothing(server)
    check_that_settings_which_the_relay_refuses_change_nothing(server)
    check_that_a_library_which_is_not_what_was_locked_changes_nothing(server)
    check_an_upgrade_and_back(server)


def bare_python(folder: Path) -> Path:
    """Return a Python without pip, as Debian's is; all later installations use one that has pip."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", folder / "bare"], check=True, timeout=DEADLINE_SECONDS
    )
    return folder / "bare/bin/python"


def check_what_is_installed(server: Server) -> None:
    version = server.link("current")
    assert re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{12}", version)
    assert server.relay("--version").stdout == f"relay-server {version.partition('-')[0]} (interpreted)\n"
    directory = re.findall(r"^Environment=RELAY_STATE_DIRECTORY=(.+)$", (ROOT / SERVICE).read_text(), re.MULTILINE)
    shown = server.relay("config", "show").stdout
    assert re.findall(r"^RELAY_STATE_DIRECTORY +(\S+) +environment$", shown, re.MULTILINE) == directory
    for name, source in {
        "etc/systemd/system/chat-relay.service": "chat-relay.service",
        "etc/sysctl.d/60-chat-relay.conf": "60-chat-relay.conf",
        "etc/ufw/applications.d/chat-relay": "ufw-chat-relay",
    }.items():
        assert (server.root / name).read_text() == (ROOT / "deploy/vps" / source).read_text()
    places = [path for path in server.root.rglob("*") if not path.is_symlink()]
    assert all(path.stat().st_mode & 0o044 for path in places)  # the service is an ordinary user


def check_that_only_what_the_relay_needs_is_installed(server: Server) -> None:
    libraries = {path.name for path in (server.root / "opt/chat-relay/current/lib").glob("python3*/site-packages/*")}
    assert {"relay_server", "chatclient", "chatbrain", "chatproto", "uvloop"} <= libraries
    assert not {"rich", "textual", "flit_core", "pip", "setuptools", "pytest", "messenger"} & libraries


def check_that_the_command_has_the_services_settings_and_installing_again_builds_nothing(server: Server) -> None:
    written = server.settings.read_text()
    server.settings.write_text(f"{written}RELAY_TCP_PORT=7000\n")
    try:
        assert re.search(r"^RELAY_TCP_PORT +7000 +environment$", server.relay("config", "show").stdout, re.MULTILINE)
        before = server.link("current")
        again = server.install()
        assert (again.returncode, "is already built" in again.stdout) == (0, True)
        assert (server.versions(), server.link("current"), server.link("previous")) == ({before}, before, "")
        assert "RELAY_TCP_PORT=7000" in server.settings.read_text()  # they are the operator's
    finally:
        server.settings.write_text(written)


def check_that_settings_which_the_relay_refuses_change_nothing(server: Server) -> None:
    before, written = server.link("current"), server.settings.read_text()
    server.settings.write_text("RELAY_TPC_PORT=7000\n")
    try:
        done = server.install()
    finally:
        server.settings.write_text(written)
    assert done.returncode == 2
    assert "RELAY_TPC_PORT is not a setting" in done.stderr
    assert f"refuses the settings: correct {server.settings}." in done.stderr
    assert server.link("current") == before


def check_that_a_library_which_is_not_what_was_locked_changes_nothing(server: Server) -> None:
    before, locked = server.link("current"), (server.source / "requirements/runtime.txt").read_text()
    server.edit("requirements/runtime.txt", lambda text: re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", text))
    try:
        done = server.install()
    finally:
        server.edit("requirements/runtime.txt", lambda _: locked)
    assert done.returncode == 2
    assert "pip failed, see above: nothing was changed." in done.stderr
    assert (server.link("current"), server.versions()) == (before, {before})


def check_an_upgrade_and_back(server: Server) -> None:
    assert server.install("--back-out").returncode == 2  # there is nothing to go back to yet
    first = server.link("current")
    server.edit("services/relay-server/src/relay_server/__init__.py", lambda text: text.replace("0.1.0", "0.1.1"))
    server.edit("services/relay-server/pyproject.toml", lambda text: text.replace('"0.1.0"', '"0.1.1"'))
    second = installed(server)
    assert second.startswith("0.1.1-")
    assert (server.relay("--version").stdout, server.link("previous")) == ("relay-server 0.1.1 (interpreted)\n", first)
    assert installed(server, "--back-out") == first
    assert (server.relay("--version").stdout, server.link("previous")) == ("relay-server 0.1.0 (interpreted)\n", second)
    assert installed(server) == second
    assert server.versions() == {first, second}


@pytest.mark.parametrize("words", [["--root"], ["--root", "here"], ["--backout"], ["now"]], ids=" ".join)
def test_wrong_words_get_one_sentence(words: list[str]) -> None:
    done = subprocess.run(
        [ROOT / "deploy/vps/install.sh", *words], capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("install.sh: ")
