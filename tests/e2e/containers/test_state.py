"""The relay's state on its volume: a restart by Compose lets nobody join anew (CONT-01 to CONT-03)."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatclient import Transport
from conformance.relays import Relay
from conftest import Figures
from e2e.chorus import Chorus
from e2e.containers import engine
from e2e.containers.engine import Images, docker
from e2e.containers.project import Project
from e2e.relay_metrics import Metrics
from talkers import call_roll, percentiles, talkers

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]

ROOM = b"tea"
SINGERS = 10


@pytest.fixture(scope="module")
def newer(images: Images) -> Iterator[str]:
    """Return the name of an image that is another one, as after `docker compose build`."""
    name = f"{images.server}-newer"
    lines = f"FROM {images.server}\nLABEL newer=yes\n"
    subprocess.run(["docker", "build", "--tag", name, "-"], input=lines, text=True, check=True, capture_output=True)
    yield name
    docker("image", "rm", name)


@pytest.fixture(params=["uvloop", "asyncio"])
def project(request: pytest.FixtureRequest, images: Images, newer: str, tmp_path: Path) -> Iterator[Project]:
    assert newer  # which is removed after the project
    with Project(tmp_path, images, (), RELAY_EVENT_LOOP=request.param) as project:
        project.up("relay")
        yield project


def joins(project: Project) -> float:
    """Return how many joined this process anew, without those who resumed; a health check creates a room to join it."""
    metrics = Metrics(project.ops("/metrics"))
    created, joined = (
        metrics.value("relay_transactions_total", operation=operation, status="ok") for operation in ("create", "join")
    )
    return joined - created - metrics.total("relay_resumptions_total")


def take_image(project: Project, name: str) -> None:
    """Let the relay have another image from the next `up` on."""
    env = project.directory / ".env"
    env.write_text(f"{env.read_text()}SERVER_IMAGE={name}\n")


async def restart(project: Project, chorus: Chorus, *words: str) -> None:
    """Run a command of Compose while people chat."""
    running = asyncio.create_task(asyncio.to_thread(project.run, *words))

    def is_done() -> bool:
        if running.done():
            assert running.result().returncode == 0, running.result().stderr
        return running.done()

    await asyncio.to_thread(chorus.sing, is_done)


def check_all_stayed(project: Project, members: int) -> None:
    metrics = Metrics(project.ops("/metrics"))
    assert metrics.value("relay_state_restored_members") == members, project.said("relay")
    assert metrics.value("relay_members") == members
    assert joins(project) <= 0  # less while a health check has its room, and is about to join it
    metrics.check_books()


def test_a_restart_and_a_new_image_let_nobody_join_anew(project: Project, newer: str, figures: Figures) -> None:
    ways = {"restart": ("restart", "relay"), "up with another image": ("up", "--detach", "--no-build", "relay")}

    async def scenario() -> None:
        server = f"127.0.0.1:{project.relay.tcp_port}"
        async with talkers() as all_talkers:
            speaker = await all_talkers.create("streams", "ann", server, transport=Transport.STREAM)
            listener = await all_talkers.join("streams", "bob", server, transport=Transport.STREAM)
            with Chorus(project.relay, ROOM, SINGERS) as chorus:
                take_image(project, newer)
                for way, words in ways.items():
                    chorus.begin()
                    await call_roll([speaker, listener])
                    await restart(project, chorus, *words)
                    check_all_stayed(project, SINGERS + 2)
                    await call_roll([speaker, listener])
                    check_all_stayed(project, SINGERS + 2)
                    figures(f"{way}: nobody was heard for {percentiles(chorus.silences())}")
                    assert not [notice for notice in chorus.notices if b"disconnected" in notice]
            (relay,) = project.containers("relay")
            assert engine.container(str(relay.ID))["Config"]["Image"] == newer

    asyncio.run(scenario())


@pytest.mark.needs("docker-23")
def test_who_keeps_talking_through_forwarded_ports_is_heard_again(
    project: Project, newer: str, figures: Figures
) -> None:
    """The kernel forwards what comes to another address than loopback, where a program of the engine does."""
    gateway = str(engine.network(f"{project.name}_chat")["IPAM"]["Config"][0]["Gateway"])
    relay = Relay(gateway, project.relay.tcp_port, project.relay.udp_port, project.relay.lobby_port)
    with Chorus(relay, ROOM, SINGERS) as chorus:
        take_image(project, newer)
        for words in (("up", "--detach", "--no-build", "relay"), *[("restart", "relay")] * 3):
            chorus.begin()
            asyncio.run(restart(project, chorus, *words))
            check_all_stayed(project, SINGERS)
            figures(f"{words[0]}: nobody was heard for {percentiles(chorus.silences())}")


def test_only_the_relays_user_may_read_the_state(project: Project) -> None:
    with Chorus(project.relay, ROOM, 2):
        found = project.run("exec", "-T", "relay", "stat", "--format", "%A %u %n", "/var/lib/chat-relay",
                            "/var/lib/chat-relay/journal")  # fmt: skip
    assert found.stdout.split("\n")[:2] == [
        "drwx------ 10001 /var/lib/chat-relay",
        "-rw------- 10001 /var/lib/chat-relay/journal",
    ]


def test_down_and_up_soon_after_is_a_restart_and_without_the_volume_it_isnt(project: Project) -> None:
    with Chorus(project.relay, ROOM, 2) as chorus:
        chorus.begin()
        for options, restored in ((), 2), (("--volumes",), 0):
            done = project.run("down", *options)
            assert done.returncode == 0, done.stderr
            project.up("relay")
            metrics = Metrics(project.ops("/metrics"))
            assert metrics.value("relay_state_restored_members") == restored, project.said("relay")
