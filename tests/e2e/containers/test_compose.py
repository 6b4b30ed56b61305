"""The demo network as `docker compose up` brings it: bots who chat, Prometheus who watches, nobody with rights."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.containers import engine
from e2e.containers.engine import Images
from e2e.containers.project import OWN_SERVICES, Project
from e2e.containers.stage import ChatProcess
from e2e.containers.waiting import eventually
from e2e.relay_metrics import Metrics, await_metrics

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def demo(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Bring the network up once for the tests below; the last of them takes it down."""
    settings = {"RELAY_SILENCE_TIMEOUT_SECONDS": "8", "LOAD_ROOMS": "2", "LOAD_MEMBERS": "3"}
    with Project(tmp_path_factory.mktemp("demo"), images, (), **settings) as project:
        project.up()
        yield project


@pytest.fixture
def me(demo: Project, tmp_path: Path) -> Iterator[ChatProcess]:
    """Somebody on this machine who joins the demo room, as the README says it."""
    arguments = ("join", "demo", "--name", "me", "--server", f"127.0.0.1:{demo.relay.tcp_port}", "--stay")
    with ChatProcess(tmp_path / "me", *arguments) as me:
        me.is_told("You are in demo")
        yield me


def test_everything_is_up_and_healthy(demo: Project) -> None:
    states = {(container.Service, container.State, container.Health) for container in demo.containers()}
    assert states == {(service, "running", "healthy") for service in demo.expected_services()}
    assert demo.expected_services() >= OWN_SERVICES | {"prometheus"}


def test_only_the_chat_is_published_to_others(demo: Project) -> None:
    published = {
        (publisher.PublishedPort if container.Service == "relay" else container.Service)
        for container in demo.containers()
        for publisher in container.Publishers or []
        if publisher.PublishedPort and publisher.URL not in {"127.0.0.1", "::1"}
    }
    assert published == {demo.relay.tcp_port, demo.relay.udp_port, demo.relay.lobby_port, demo.web_port}


def test_the_page_is_where_its_link_says(demo: Project) -> None:
    link = f"http://localhost:{demo.web_port}/"
    assert f'"link": "{link}"' in demo.run("logs", "relay").stdout
    with urllib.request.urlopen(f"{link}rooms", timeout=10) as answer:  # noqa: S310 - http, as the line above says
        assert "demo" in {room["name"] for room in json.load(answer)["rooms"]}


def test_somebody_on_this_machine_talks_with_the_bots(me: ChatProcess) -> None:
    assert me.hears("Welcome!").startswith("Hana-")
    assert me.hears("bot-").startswith("bot-")
    me.say("hello, is anybody here?")
    me.hears("Milo-")  # returns greetings, and bots never greet
    me.hears("Aiko-")  # answers questions


def test_the_silent_one_is_evicted_and_comes_back(demo: Project, me: ChatProcess) -> None:
    assert re.search(r"sleepy-\w+ was disconnected \(silence\)", me.is_told("was disconnected"))
    me.is_told("sleepy-")
    assert Metrics(demo.ops("/metrics")).value("relay_evictions_total", reason="silence") >= 1


def test_prometheus_sees_everybody(demo: Project) -> None:
    expected = [("bot", "bot", "up")] * 2 + [("bot", "host", "up"), ("bot", "silent", "up")]
    expected += [("probe", "probe", "up"), ("relay", "relay", "up")]
    eventually(lambda: demo.targets() == expected, lambda: str(demo.targets()))
    # Five members of the demo room and two of the probe's; sleepy comes and goes.
    eventually(lambda: demo.query("relay_members >= 7"), lambda: demo.ops("/metrics"))
    eventually(lambda: demo.query("sum(rate(relay_datagrams_sent_total[1m])) > 0"), demo.said)
    eventually(lambda: demo.query("probe:round_trip_seconds:p99_5m > 0"), demo.said)
    assert all(loss == 0 for loss in demo.query("probe:loss:ratio5m"))


def test_no_container_has_rights_or_more_than_it_needs(demo: Project) -> None:
    for container in demo.containers():
        assert container.ID
        engine.check_rights(container.ID, str(container.Service))


def test_what_ours_may_they_really_may_not_do_more(demo: Project) -> None:
    for service in OWN_SERVICES:
        status = demo.run("exec", "-T", service, "cat", "/proc/1/status").stdout
        assert re.search(r"^Uid:(\s+[1-9]\d*){4}$", status, re.MULTILINE), service
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE), service
        assert set(re.findall(r"^Cap\w+:\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}, service
        assert "Read-only file system" in demo.run("exec", "-T", service, "touch", "/tmp/new").stderr, service


def test_operators_command_the_relay_in_its_container(demo: Project) -> None:
    done = demo.run("exec", "-T", "relay", "relay-server", "admin", "rooms", "--json")
    assert done.returncode == 0, done.stderr
    assert "demo" in {room["room"] for room in json.loads(done.stdout)}
    found = demo.run("exec", "-T", "relay", "sh", "-c", "stat --format %A /run/chat-relay /run/chat-relay/*")
    assert found.stdout.split() == ["drwx------", "srw-------"]


def test_the_ops_network_leads_nowhere(demo: Project) -> None:
    # Prometheus and the bots are in it; the relay's own published ports are on the other.
    assert engine.network(f"{demo.name}_ops")["Internal"] is True


def test_five_bots_are_five_members(demo: Project, me: ChatProcess) -> None:
    demo.up("--scale", "bot=5", *OWN_SERVICES)
    assert len(demo.containers("bot")) == 5

    def speakers() -> set[str]:
        return {line.partition(": ")[0] for line in me.lines()[0] if line.startswith("bot-")}

    eventually(lambda: len(speakers()) == 5, lambda: str(me.lines()))
    eventually(lambda: demo.query('sum(bot_members{service="bot"}) == 5'), demo.said)


def test_the_load_profile_starts_and_reports(demo: Project) -> None:
    demo.up("load")
    await_metrics(demo, lambda now: now.value("relay_members") >= 6)
    eventually(lambda: demo.query('sum(bot_messages_delivered_total{service="load"}) > 0'), demo.said)
    assert demo.run("stop", "load").returncode == 0
    assert re.search(r"^.* sent +[1-9]", demo.said("load"), re.MULTILINE)


def test_each_of_ours_ends_soon(demo: Project) -> None:
    for service in ("silent", "probe", "bot", "host", "relay"):
        for container in demo.containers(service):
            assert container.ID
            engine.stop(container.ID)
