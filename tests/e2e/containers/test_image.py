"""What the images promise: health, no rights, an end on request, a small size, clear words."""

import re
from collections.abc import Callable
from typing import Final

import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from conformance.people import People
from e2e.containers import engine
from e2e.containers.conftest import StartBots, StartChat, StartRelay
from e2e.containers.engine import (
    Images,
    docker,
    has_image,
    image,
)
from e2e.containers.stage import HARDENED, RELAY_NAME, SCENARIOS, BotsContainer, RelayContainer
from e2e.containers.waiting import eventually
from e2e.relay_metrics import Metrics

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]

MAX_ADDED_BYTES: Final = 60_000_000
LABELS: Final = ("title", "description", "licenses", "version")
SECOND: Final = 1_000_000_000  # in nanoseconds, as the engine wants it

# The image's own check, but not only four times a minute.
OFTEN: Final = {"healthcheck": {"interval": SECOND, "start_period": SECOND, "retries": 1}}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(images: Images) -> Run:
    """Run an image to its end and return the exit code, and what it wrote to both outputs."""

    def run(kind: str, *command: str, **variables: str) -> tuple[int, str, str]:
        container = DockerContainer(getattr(images, kind), env=variables).with_command(list(command))
        with container.with_kwargs(**HARDENED):
            code = container.get_wrapped_container().wait(timeout=60)["StatusCode"]
            heard, told = container.get_logs()
        return code, heard.decode(), told.decode()

    return run


def health(container: DockerContainer) -> str:
    return str(engine.container(container.get_container_id())["State"]["Health"]["Status"])


def test_the_relay_becomes_healthy_and_serves_its_pages(images: Images, network: Network) -> None:
    with RelayContainer(images.server, network, {}).with_kwargs(**HARDENED, **OFTEN) as relay:
        eventually(lambda: health(relay) == "healthy", relay.said)
        assert relay.ops("/healthz") == "ok\n"
        counted = Metrics(relay.ops("/metrics"))
        # The check joined a room of its own, spoke, heard the echo, and left.
        assert counted.value("relay_transactions_total", operation="create", status="ok") >= 1
        assert counted.value("relay_datagrams_sent_total") >= 1
        assert counted.value("relay_members") == 0


def test_a_relay_that_hangs_is_unhealthy(images: Images, network: Network) -> None:
    with RelayContainer(images.server, network, {}).with_kwargs(**HARDENED, **OFTEN) as relay:
        eventually(lambda: health(relay) == "healthy", relay.said)
        relay.get_wrapped_container().kill(signal="SIGSTOP")
        eventually(lambda: health(relay) == "unhealthy", relay.said)


def test_bots_are_healthy_while_they_are_in_a_room(relay: RelayContainer, images: Images, network: Network) -> None:
    probe = BotsContainer(images.client, network, SCENARIOS / "probe.yaml", {"BOT_SERVER": RELAY_NAME, "BOT_RATE": "5"})
    with probe.with_kwargs(**HARDENED, **OFTEN):
        eventually(lambda: health(probe) == "healthy", probe.said)
        relay.get_wrapped_container().stop()
        eventually(lambda: health(probe) == "unhealthy", probe.said)


@pytest.mark.parametrize("kind", ["server", "client"])
def test_the_image_says_who_it_is_and_runs_as_nobody(images: Images, kind: str) -> None:
    config = image(getattr(images, kind))["Config"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])
    assert config["Healthcheck"]["Test"][0] == "CMD"  # no shell in between, as with the program itself:
    assert [*(config["Entrypoint"] or []), *config["Cmd"]] in (["relay-server", "run"], ["bot-client", "run"])
    for label in LABELS:
        assert config["Labels"][f"org.opencontainers.image.{label}"]


@pytest.mark.parametrize("kind", ["server", "client"])
def test_the_image_adds_little(images: Images, kind: str) -> None:
    base = images.python
    if not has_image(base):
        docker("pull", "--quiet", base)  # its layers are here already
    assert 0 < image(getattr(images, kind))["Size"] - image(base)["Size"] <= MAX_ADDED_BYTES


def test_there_is_nothing_to_build_with_and_nothing_to_change(images: Images) -> None:
    for name in (images.server, images.client):
        with DockerContainer(name).with_kwargs(entrypoint=["sleep", "infinity"]) as container:

            def fails(*command: str, container: DockerContainer = container) -> bool:
                return bool(container.exec(list(command)).exit_code)

            assert not fails("python", "--version")
            assert fails("/opt/chat/bin/python", "-m", "pip", "--version")
            assert fails("sh", "-c", "command -v gcc cc pip")
            # Even where the file system isn't read-only.
            assert fails("touch", "/opt/chat/new")
            assert fails("sh", "-c", "find /opt/chat /usr /etc -xdev -writable ! -type l | grep .")


@pytest.mark.parametrize("kind", ["server", "client"])
def test_there_is_no_secret_and_no_way_to_more_rights(images: Images, kind: str) -> None:
    """Also for who starts it by a plain `docker run`, without what the compose file asks for."""
    name = getattr(images, kind)
    variables = {variable.partition("=")[0] for variable in image(name)["Config"]["Env"]}
    assert variables == {"PATH", "LANG", "PYTHONUNBUFFERED", "PYTHONPYCACHEPREFIX"} | base_variables(images)
    own = set(history(name)) - set(history(images.python))
    assert not re.search("pip_conf|ca_bundle|index-url", "\n".join(own))  # what is for builds stays in its stage
    # As root, who may look everywhere.
    with DockerContainer(name).with_kwargs(entrypoint=["sleep", "infinity"], user="0") as container:
        found = container.exec(["find", "/", "-xdev", "-type", "f", "-perm", "/6000"])
        assert found.output == b"", found.output.decode()
        found = container.exec(["find", "/", "-xdev", "(", "-name", "pip.conf", "-o", "-name", "*.key", ")"])
        assert found.output == b"", found.output.decode()


def history(name: str) -> list[str]:
    return docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", name).splitlines()


def base_variables(images: Images) -> set[str]:
    """Return the variables that come with Python's image, whoever made it."""
    return {variable.partition("=")[0] for variable in image(images.python)["Config"]["Env"]}


def test_it_runs_without_any_rights(start_relay: StartRelay, start_chat: StartChat) -> None:
    relay = start_relay()
    ann = start_chat("create", "demo", "--name", "ann")
    ann.is_told("You created demo")
    for container in (relay, ann):
        status = container.exec(["cat", "/proc/1/status"]).output.decode()
        assert re.search(r"^Uid:(\s+[1-9]\d*){4}$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
        assert set(re.findall(r"^Cap\w+:\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
        for path in ("/new", "/tmp/new", "/opt/chat/new", "/var/tmp/new"):
            refused = container.exec(["touch", path])
            assert refused.exit_code
            assert b"Read-only file system" in refused.output


def test_the_relay_ends_soon_and_tells_everybody(relay: RelayContainer, people: People) -> None:
    ann, bob = people.pair(b"demo")
    engine.stop(relay.get_container_id())
    ann.await_notice(b"disconnected: shutdown")
    bob.await_notice(b"disconnected: shutdown")
    assert '"event": "stopped"' in relay.said()


def test_bots_end_soon_with_a_report(start_relay: StartRelay, start_bots: StartBots) -> None:
    start_relay()
    bots = start_bots(SCENARIOS / "load.yaml", BOT_ROOMS="2", BOT_MEMBERS="3")
    eventually(lambda: "bot_members 6" in bots.ops("/metrics"), bots.said)
    engine.stop(bots.get_container_id())
    assert re.search(r"^ +sent +\d", bots.said(), re.MULTILINE)


def test_bots_that_find_no_relay_end_soon_too(start_bots: StartBots) -> None:
    bots = start_bots(SCENARIOS / "load.yaml")
    eventually(lambda: "bot_locked_out" in bots.ops("/metrics"), bots.said)
    engine.stop(bots.get_container_id())


def test_chat_ends_soon_and_leaves(start_relay: StartRelay, start_chat: StartChat) -> None:
    relay = start_relay()
    ann = start_chat("create", "demo", "--name", "ann")
    ann.is_told("You created demo")
    engine.stop(ann.get_container_id())
    assert Metrics(relay.ops("/metrics")).value("relay_rooms") == 0


def test_config_check_says_yes(run: Run) -> None:
    assert run("server", "config", "check", RELAY_TCP_PORT="9500") == (0, "The settings can be used.\n", "")


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [("RELAY_TCP_PORT", "70000", "RELAY_TCP_PORT"), ("RELAY_MAX_ROMS", "5", "is not a setting")],
)
@pytest.mark.parametrize("command", [("config", "check"), ("run",)])
def test_a_wrong_setting_gets_one_sentence(
    run: Run, command: tuple[str, ...], name: str, value: str, part: str
) -> None:
    code, heard, told = run("server", *command, **{name: value})
    assert (code, heard, told.count("\n")) == (2, "", 1)
    assert told.startswith("relay-server: ")
    assert part in told


@pytest.mark.parametrize(
    ("command", "part"),
    [(("bot-client", "run", "--rate", "much"), "--rate"), (("chat", "join", "--name", "ann"), "Which room?")],
)
def test_a_wrong_word_gets_one_sentence(run: Run, command: tuple[str, ...], part: str) -> None:
    code, heard, told = run("client", *command)
    assert (code, heard, told.count("\n")) == (2, "", 1)
    assert part in told
