"""``relay-server admin`` and a real relay, on both event loops: what operators do, see and are told."""

import json
import os
import re
import secrets
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import People, status_of
from conformance.relays import STOP_SECONDS, CommonRelays, OwnRelay
from e2e import here
from e2e.relay_metrics import await_metrics, scrape
from e2e.streaming import StreamMember
from e2e.test_relay_command_line import run
from ports import free_ports
from unprivileged import run_unprivileged

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets on Windows"),
    pytest.mark.timeout(180),
]

Admin = Callable[..., str]


both_loops = pytest.mark.parametrize("loop", ["uvloop", "asyncio"], indirect=True)


@pytest.fixture
def loop(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "uvloop"))


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Return a directory with a short path that anybody may look into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.fixture
def relay(common_relays: CommonRelays, place: Path) -> OwnRelay:
    """Return the relay of all tests that leave it running."""
    return common_relays.get(event_loop="uvloop", admin_socket=place / "admin.sock")


@pytest.fixture
def ending_relay(loop: str, tmp_path: Path) -> Iterator[OwnRelay]:
    """Run a relay for a test that ends it."""
    settings = {"RELAY_EVENT_LOOP": loop, "RELAY_ADMIN_SOCKET": os.fspath(tmp_path / "admin.sock")}
    relay = OwnRelay(tmp_path / "log", settings)
    yield relay
    relay.stop()


@pytest.fixture
def path(request: pytest.FixtureRequest, place: Path, tmp_path: Path) -> Path:
    """Return the socket of the test's relay."""
    return (tmp_path if "ending_relay" in request.fixturenames else place) / "admin.sock"


@pytest.fixture
def people(request: pytest.FixtureRequest) -> Iterator[People]:
    name = "ending_relay" if "ending_relay" in request.fixturenames else "relay"
    with People(request.getfixturevalue(name).relay) as people:
        yield people


@pytest.fixture
def room() -> str:
    return f"room-{secrets.token_hex(4)}"


@pytest.fixture
def admin(path: Path) -> Admin:
    """Return a function that gives a command, which must go well, and returns what is written."""

    def give(*words: str) -> str:
        return obeyed(here.relay_server("admin", *words, RELAY_ADMIN_SOCKET=os.fspath(path)))

    return give


def obeyed(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def refused(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """Check that a command couldn't be carried out; returns the exit code and the sentence."""
    assert (done.stdout, done.stderr.count("\n"), done.stderr[:14]) == ("", 1, "relay-server: ")
    return done.returncode, done.stderr.removeprefix("relay-server: ").rstrip("\n")


def records(relay: OwnRelay, event: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in relay.said().splitlines()]
    return [record for record in found if record["event"] == event]


def test_rooms_and_members_are_shown(path: Path, ending_relay: OwnRelay, people: People) -> None:
    def admin(*words: str) -> str:
        return obeyed(run("admin", *words, RELAY_ADMIN_SOCKET=os.fspath(path)))

    assert admin("rooms") == "There are no rooms.\n"
    ann, _ = people.pair("お茶".encode())
    people.create(b"secrets", b"eve", password="open sesame")
    assert re.fullmatch(
        r"ROOM     HOST  MEMBERS  STREAMS  AGE  PASSWORD  TOPIC\n"
        r"お茶     ann   2        0        \d+s +-\n"
        r"secrets  eve   1        0        \d+s +yes\n",
        admin("rooms"),
    )
    port = ann.udp.getsockname()[1]
    assert re.search(
        rf"^ann +127\.0\.0\.1 +{port} +udp +- +\d+s +\d+s +yes +-$", admin("members", "お茶"), re.MULTILINE
    )
    shown = json.loads(admin("members", "--json", "お茶"))
    assert [(row["name"], row["ip"], row["host"]) for row in shown] == [
        ("ann", "127.0.0.1", True),
        ("bob", "127.0.0.1", False),
    ]
    assert [row["room"] for row in json.loads(admin("rooms", "--json"))] == ["お茶", "secrets"]
    with StreamMember(ending_relay.relay, "お茶", "zoe") as zoe:
        zoe.speak_up()
        assert re.search(r"^zoe +127\.0\.0\.1 +- +stream +- +\d+s", admin("members", "お茶"), re.MULTILINE)
    await_metrics(ending_relay, lambda now: now.value("relay_streams_away") == 1)
    (zoes,) = [row for row in json.loads(admin("members", "--json", "お茶")) if row["name"] == "zoe"]
    assert (zoes["transport"], zoes["away"]) == ("stream", True)
    assert [row["streams"] for row in json.loads(admin("rooms", "--json"))] == [1, 0]
    assert [record["streams"] for record in records(ending_relay, "listening")] == ["any"]
    assert ann.token.decode() not in ending_relay.said()


def test_a_room_is_closed(relay: OwnRelay, people: People, admin: Admin, room: str) -> None:
    before = scrape(relay)
    ann, bob = people.pair(room.encode())
    assert admin("close", room) == f"{room} is closed; it had 2 members.\n"
    ann.await_notice(b"disconnected: kicked")
    bob.await_notice(b"disconnected: host_left")
    metrics = scrape(relay)
    assert metrics.value("relay_rooms") == before.value("relay_rooms")
    kicked = before.value("relay_rooms_closed_total", reason="kicked")
    assert metrics.value("relay_rooms_closed_total", reason="kicked") == kicked + 1
    join = wire.frame(wire.JOIN, wire.REQUEST, room.encode(), b"eve")
    assert status_of(relay.relay, join) == wire.NO_SUCH_ROOM


def test_somebody_is_kicked_banned_and_let_in_again(relay: OwnRelay, people: People, admin: Admin, room: str) -> None:
    name = room.encode()
    people.create(name, b"ann", "127.0.0.2" if relay.relay.is_loopback_v4 else "")
    bob = people.join(name, b"bob")
    assert admin("kick", room, "bob") == f"bob is out of {room}, and may come back.\n"
    bob.await_notice(b"disconnected: kicked")
    bob = people.join(name, b"bob")
    assert admin("ban", room, "bob") == f"bob (127.0.0.1) is banned from {room}.\n"
    bob.await_notice(b"disconnected: kicked")
    assert status_of(relay.relay, wire.frame(wire.JOIN, wire.REQUEST, name, b"bob")) == wire.BAD_NAME
    assert admin("bans", room) == "NAME  ADDRESS\nbob   127.0.0.1\n"
    assert admin("unban", room, "bob") == f"bob (127.0.0.1) may come into {room} again.\n"
    people.join(name, b"bob")


def test_every_command_is_logged_with_who_gave_it(
    relay: OwnRelay, people: People, admin: Admin, path: Path, room: str
) -> None:
    people.pair(room.encode())
    earlier = len(records(relay, "admin"))
    admin("rooms")
    admin("close", room)
    refused(run("admin", "close", room, RELAY_ADMIN_SOCKET=os.fspath(path)))
    found = records(relay, "admin")[earlier:]
    assert [(record["command"], record.get("room")) for record in found] == [
        ("rooms", None),
        ("close", room),
        ("close", room),
    ]
    assert [record["outcome"] for record in found[:2]] == ["done", "done"]
    assert str(found[2]["outcome"]).startswith(f"There is no room {room}: ")
    if sys.platform == "linux":
        assert {record["uid"] for record in found} == {os.getuid()}


@both_loops
@pytest.mark.requirement("EVI-06")
def test_a_drain_waits_until_all_members_left(ending_relay: OwnRelay, people: People, admin: Admin) -> None:
    ann, bob = people.pair(b"demo")
    assert admin("drain") == (
        "Nobody is let in any more. The relay ends when the last one has left; 2 members there.\n"
    )
    for operation, room in ((wire.JOIN, b"demo"), (wire.CREATE, b"other")):
        assert status_of(ending_relay.relay, wire.frame(operation, wire.REQUEST, room, b"eve")) == wire.SHUTTING_DOWN
    with pytest.raises(OSError, match="503"):
        ending_relay.ops("/readyz")
    assert ending_relay.ops("/healthz")
    ann.say(b"still here")
    assert bob.hear() == b"ann: still here"
    bob.leave()
    ann.leave()
    assert ending_relay.process.wait(STOP_SECONDS) == 0
    assert records(ending_relay, "stopping")[0]["reason"] == "drained"


@both_loops
def test_a_drain_with_a_deadline_ends_in_time_and_tells_remaining_members(
    ending_relay: OwnRelay, people: People, admin: Admin
) -> None:
    ann, _ = people.pair(b"demo")
    assert "the last one has left, or 1s are over; 2 members there." in admin("drain", "--seconds", "1")
    ann.await_notice(b"disconnected: shutdown")
    assert ending_relay.process.wait(STOP_SECONDS) == 0


def test_drain_now_ends_the_relay_at_once(ending_relay: OwnRelay, people: People, admin: Admin) -> None:
    ann, bob = people.pair(b"demo")
    assert admin("drain", "--now") == "The relay ends now; 2 members told.\n"
    ann.await_notice(b"disconnected: shutdown")
    bob.await_notice(b"disconnected: shutdown")
    assert ending_relay.process.wait(STOP_SECONDS) == 0


def test_a_signal_after_a_drain_drains_too(ending_relay: OwnRelay, people: People, admin: Admin) -> None:
    ann, _ = people.pair(b"demo")
    admin("drain")
    ending_relay.process.send_signal(signal.SIGTERM)
    ann.await_notice(b"disconnected: shutdown")
    assert ending_relay.process.wait(STOP_SECONDS) == 0


@both_loops
def test_only_the_owner_can_use_the_socket_and_it_is_removed_with_the_relay(
    ending_relay: OwnRelay, path: Path, admin: Admin
) -> None:
    assert stat.filemode(path.lstat().st_mode) == "srw-------"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        mute.connect(os.fspath(path))
        mute.sendall(b'{"command": "rooms"')  # half a command holds up neither the relay nor its end
        assert admin("rooms") == "There are no rooms.\n"
        assert ending_relay.stop() == 0
    assert not path.exists()
    code, said = refused(here.relay_server("admin", "rooms", RELAY_ADMIN_SOCKET=os.fspath(path)))
    assert (code, said) == (1, f"No relay listens at {path}: start one, or say by RELAY_ADMIN_SOCKET where it is.")


def test_a_relay_that_was_killed_leaves_nothing_in_the_way(
    ending_relay: OwnRelay, path: Path, tmp_path: Path, admin: Admin
) -> None:
    ending_relay.process.kill()
    ending_relay.process.wait(STOP_SECONDS)
    assert path.is_socket()
    assert refused(here.relay_server("admin", "rooms", RELAY_ADMIN_SOCKET=os.fspath(path)))[0] == 1
    after = OwnRelay(tmp_path / "log-2", {"RELAY_ADMIN_SOCKET": os.fspath(path)})
    # A drain of nobody ends the relay.
    assert json.loads(admin("drain", "--json")) == [{"people": 0, "seconds": None, "at_once": False}]
    assert after.process.wait(STOP_SECONDS) == 0


def free_environment(**more: str) -> dict[str, str]:
    names = ("TCP", "UDP", "LOBBY", "OPS")
    ports = {f"RELAY_{name}_PORT": str(port) for name, port in zip(names, free_ports(4), strict=True)}
    return ports | {"RELAY_HOST": "127.0.0.1"} | more


def test_a_second_relay_leaves_the_first_ones_socket_alone(relay: OwnRelay, path: Path) -> None:
    second = run("run", **free_environment(RELAY_ADMIN_SOCKET=os.fspath(path)))
    assert (second.returncode, second.stdout, second.stderr.count("\n")) == (2, "", 1)
    assert second.stderr == f"relay-server: {path} is in use by another relay: end that one or choose another path.\n"
    assert run("admin", "rooms", RELAY_ADMIN_SOCKET=os.fspath(path)).returncode == 0
    assert relay.process.poll() is None


def test_a_socket_that_cant_be_had_stops_the_start() -> None:
    done = run("run", **free_environment(RELAY_ADMIN_SOCKET="/no/such/place/admin.sock"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "the directory isn't there, make it." in done.stderr


def test_the_command_finds_the_relay_without_configuration(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place:  # a short path
        settings = {"RELAY_ADMIN_SOCKET": "auto", "TMPDIR": place}
        relay = OwnRelay(tmp_path / "log", settings)
        try:
            place_of_it = settings | {"RELAY_TCP_PORT": str(relay.relay.tcp_port)}
            assert run("admin", "rooms", **place_of_it).stdout == "There are no rooms.\n"
            elsewhere = settings | {"RELAY_TCP_PORT": str(free_ports(1)[0])}
            assert refused(here.relay_server("admin", "rooms", **elsewhere))[0] == 1
        finally:
            assert relay.stop() == 0


def test_without_a_writable_directory_the_relay_serves_without_commands(tmp_path: Path) -> None:
    (tmp_path / f"chat-relay-{os.getuid()}").touch()
    relay = OwnRelay(tmp_path / "log", {"RELAY_ADMIN_SOCKET": "auto", "TMPDIR": os.fspath(tmp_path)})
    try:
        assert "can't be made (File exists)" in str(records(relay, "admin_off")[0]["reason"])
        with People(relay.relay) as people:
            people.pair(b"demo")
    finally:
        assert relay.stop() == 0


def test_commands_can_be_turned_off(common_relays: CommonRelays) -> None:
    assert records(common_relays.get(), "admin_off") == []
    code, said = refused(run("admin", "rooms", RELAY_ADMIN_SOCKET=""))
    assert code == 2
    assert said.startswith("RELAY_ADMIN_SOCKET is empty")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_others_are_refused(relay: OwnRelay, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import sys
import relay_server.__main__, relay_server.operator.client, relay_server.operator.location, relay_server.operator.tables
step_down()
relay_server.__main__.main()
"""
    monkeypatch.setenv("RELAY_ADMIN_SOCKET", os.fspath(path))
    done = run_unprivileged(code, "admin", "drain", "--now")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"relay-server: {path} is for the relay's user and root alone: say sudo.\n"
    assert relay.process.poll() is None


def test_a_room_that_isnt_there_is_said(relay: OwnRelay, path: Path) -> None:
    for words in (("members", "nowhere"), ("close", "nowhere"), ("members", "\x1b[2J")):
        code, said = refused(here.relay_server("admin", *words, RELAY_ADMIN_SOCKET=os.fspath(path)))
        assert code == 1
        assert said.startswith("There is no room ")
        assert said.isprintable()
    assert relay.process.poll() is None


@pytest.mark.parametrize("words", [("nodes",), ("rooms", "--all"), ("drain", "--to-others")])
def test_a_relay_that_is_alone_has_no_other_nodes(relay: OwnRelay, path: Path, words: tuple[str, ...]) -> None:
    done = here.relay_server("admin", *words, RELAY_ADMIN_SOCKET=os.fspath(path))
    assert refused(done) == (2, "This relay is alone: RELAY_CLUSTER_URL makes it a node of a cluster.")
    assert relay.ops("/readyz") == "ready\n"


def test_a_hanging_relay_is_reported(relay: OwnRelay, path: Path) -> None:
    relay.process.send_signal(signal.SIGSTOP)
    try:
        code, said = refused(here.relay_server("admin", "rooms", RELAY_ADMIN_SOCKET=os.fspath(path)))
    finally:
        relay.process.send_signal(signal.SIGCONT)
    assert (code, said) == (1, f"The relay at {path} doesn't answer: its log may tell why.")
