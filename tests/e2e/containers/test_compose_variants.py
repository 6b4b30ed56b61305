"""The demo network in other ways: with a wrong .env, and on the machine's own network as on a server."""

import random
from pathlib import Path

import pytest

from e2e.containers import engine
from e2e.containers.engine import Images
from e2e.containers.project import Project
from e2e.containers.stage import ChatProcess
from e2e.containers.waiting import eventually

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"RELAY_MAX_ROMS": "5"}, "RELAY_MAX_ROMS is not a setting"),
        ({"RELAY_MAX_ROOMS": "many"}, "RELAY_MAX_ROOMS"),
    ],
)
def test_a_wrong_env_file_stops_the_relay_with_a_sentence(
    images: Images, tmp_path: Path, settings: dict[str, str], part: str
) -> None:
    with Project(tmp_path, images, **settings) as project:
        done = project.run("up", "--detach", "--no-build", "relay")
        assert done.returncode == 0, done.stderr
        eventually(lambda: part in project.said("relay"), lambda: project.said("relay"))
        (relay,) = project.containers("relay")
        assert relay.ID
        eventually(lambda: engine.container(str(relay.ID))["State"]["ExitCode"] == 2, lambda: str(relay))
        assert "Traceback" not in project.said("relay")


def test_without_a_page_nothing_listens_where_it_was(images: Images, tmp_path: Path) -> None:
    with Project(tmp_path, images, RELAY_WEB_PORT="0") as project:
        assert project.run("up", "--detach", "--no-build", "relay").returncode == 0
        eventually(lambda: "listening" in project.said("relay"), lambda: project.said("relay"))
        assert "page_served" not in project.said("relay")
        ask = "import socket; socket.create_connection(('127.0.0.1', {}), 2)"
        assert project.run("exec", "-T", "relay", "python3", "-c", ask.format(project.relay.tcp_port)).returncode == 0
        assert "refused" in project.run("exec", "-T", "relay", "python3", "-c", ask.format(9080)).stderr


def test_the_machines_own_network_as_on_a_server(images: Images, tmp_path: Path) -> None:
    subnet = f"10.213.{random.randrange(256)}"
    settings = {"OPS_SUBNET": f"{subnet}.0/24", "OPS_GATEWAY": f"{subnet}.1"}
    with Project(tmp_path, images, ("deploy/compose/host.yaml",), **settings) as project:
        project.up("relay", "host", "bot", "prometheus")
        arguments = ("join", "demo", "--name", "me", "--server", f"127.0.0.1:{project.relay.tcp_port}", "--stay")
        with ChatProcess(tmp_path / "me", *arguments) as me:
            me.hears("Welcome!")
            me.hears("bot-")
            me.say("hello, is anybody here?")
            me.hears("Milo-")
        assert not project.containers("relay")[0].Publishers
        eventually(lambda: ("relay", "relay", "up") in project.targets(), lambda: str(project.targets()))
        eventually(lambda: project.query("relay_members > 0"), project.said)
