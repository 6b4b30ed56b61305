"""The script that installs the relay, run beside a service that chats: a new version comes, and one that doesn't."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docs.markdown import ROOT
from e2e.chatting import chatting, talk_while
from e2e.test_vps_install import INGREDIENTS
from relay_service import HOME, RelayService, relay_service

pytestmark = [pytest.mark.needs("services"), pytest.mark.timeout(600)]  # two versions are built
BUILD_SECONDS = 300.0
PYTHON = "/opt/python"
"""Where the service may look, which may not look into somebody's home."""


@dataclass(frozen=True, slots=True)
class Server:
    """A service that chats, with a checkout of our own."""

    service: RelayService
    source: Path

    def install(self, *words: str) -> str:
        """Run the script and return what it says, after its exit code."""
        script = 'PYTHON=$1/bin/python3 "$2" "${@:3}" 2>&1; echo "exit code $?"'
        command: list[str | Path] = [
            "bash",
            "-c",
            script,
            "bash",
            PYTHON,
            self.source / "deploy/vps/install.sh",
            *words,
        ]
        return self.service.systemd.run(*command, seconds=BUILD_SECONDS)

    def link(self, name: str) -> str:
        return self.service.systemd.run("readlink", HOME / name).strip().removeprefix("versions/")

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.source / "services/relay-server/src/relay_server" / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "systemd"
    with relay_service(folder) as service:
        for name in INGREDIENTS:
            shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
        service.systemd.run("mkdir", PYTHON)
        service.systemd.run("mount", "--bind", sys.base_prefix, PYTHON)
        service.systemctl("start")
        yield Server(service, folder / "source")


def test_an_upgrade_that_nobody_notices_and_one_that_does_not_come(server: Server) -> None:
    """One test, for each installation takes its time."""
    with chatting(server.service.relay) as crowd:
        first, restarts = server.service.pid, server.service.starts
        said = ""

        def upgrade() -> None:
            nonlocal said
            said = server.install()

        def back_out() -> None:
            nonlocal said
            said = server.install("--back-out")

        talk_while(crowd, upgrade, BUILD_SECONDS)
        assert said.endswith("exit code 0\n"), said
        new, second = server.link("current"), server.service.pid
        assert (server.link("previous"), second != first) == ("one", True)
        assert f"versions/{new}" in server.service.systemctl("status")
        crowd.check_nothing_lost()

        server.edit(
            "commands/run.py", "    settings = load_settings()", "    sys.exit(1)\n    settings = load_settings()"
        )
        talk_while(crowd, upgrade, BUILD_SECONDS)
        assert said.endswith("exit code 2\n"), said
        assert "doesn't serve: rolling back to " + new in said
        assert (server.link("current"), server.link("previous"), server.service.pid) == (new, "one", second)
        crowd.check_nothing_lost()

        talk_while(crowd, back_out)
        assert said.endswith("exit code 0\n"), said
        assert (server.link("current"), server.link("previous"), server.service.pid == second) == ("one", new, False)
        crowd.check_nothing_lost()
        assert server.service.starts == restarts
