"""`relay-server admin replace`: another process goes on with the relay, on both event loops, and nobody notices."""

import asyncio
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import People, status_of
from e2e.browser_seat import Browser
from e2e.relay_metrics import await_metrics, scrape
from e2e.replacing import await_said, running, said_by
from faults import newcomers
from faults.streamers import Streamer
from faults.town import Town
from ports import free_ports
from replaceable import ReplaceableRelay
from unprivileged import run_unprivileged
from waiting import DEADLINE_SECONDS

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="relays take over on Linux alone"),
    pytest.mark.timeout(180),
]
RATE = 300.0
QUICK = ("bad_setting", "dies_with_the_state", "exits", "other_format")


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(loop: str) -> dict[str, str]:
    return {"RELAY_EVENT_LOOP": loop, "RELAY_COMPLETION_PAUSE_SECONDS": "0", "RELAY_MAX_MEMBERS_PER_ROOM": "0"}


@pytest.fixture
def relay(settings: dict[str, str], tmp_path: Path) -> Iterator[ReplaceableRelay]:
    """Run a relay that is sound to its end, whatever process it is by then."""
    with running(tmp_path / "log", settings) as relay:
        yield relay


@pytest.mark.requirement("CON-01", "CON-02")
def test_members_lose_nothing_and_keep_their_tokens(relay: ReplaceableRelay) -> None:
    with People(relay.relay) as people:
        town = Town(people, rooms=2, members=5)
        first = relay.process.pid
        before = scrape(relay)
        for times in (1, 2):
            town.talk_for(0.3, RATE)
            asked = relay.begin_replacing()
            town.talk_until(lambda: asked.poll() is not None, RATE)  # noqa: B023
            row = relay.finish_replacing(asked)
            assert (row["rooms"], row["members"], row["format"]) == (2, 10, 1)
            assert row["bytes"] > 1000
            print(f"the chat paused for {row['pause_ms']} ms")
            metrics = scrape(relay)
            assert metrics.value("relay_replacements_total") == times
            assert metrics.value("relay_start_time_seconds") == before.value("relay_start_time_seconds")
        town.talk_for(0.3, RATE)
        town.check_nothing_lost()
        assert relay.process.pid != first
        metrics = scrape(relay)
        assert metrics.total("relay_datagrams_dropped_total") == 0
        assert metrics.value("relay_datagrams_sent_total") == town.deliveries  # of all three processes
        assert metrics.total("relay_transactions_total") == 10


@pytest.mark.parametrize("how", QUICK)
def test_a_newcomer_that_fails_changes_nothing(relay: ReplaceableRelay, how: str) -> None:
    """Threat N16."""
    settings = {"RELAY_TCP_PORT": "nowhere"} if how == "bad_setting" else {"NEWCOMER": how}
    with People(relay.relay) as people:
        town = Town(people, rooms=1, members=5)
        asked = relay.begin_replacing(settings)
        town.talk_until(lambda: asked.poll() is not None, RATE)
        out, err = asked.communicate()
        assert (asked.returncode, out) == (1, "")
        why = {
            "bad_setting": r"RELAY_TCP_PORT is 'nowhere': .*",
            "dies_with_the_state": r"The new process \(pid \d+\) was ended by SIGKILL: the log may tell why\.",
            "exits": r"The new process \(pid \d+\) ended with exit code 3: the log may tell why\.",
            "other_format": r"Version \S+ reads the state in format 98, 99, and this relay writes format 1: .*",
        }
        assert re.fullmatch(rf"relay-server: {why[how]} This relay goes on as before\.\n", err), err
        town.talk_for(0.3, RATE)
        town.check_nothing_lost()
        assert relay.process.poll() is None
        relay.replace()  # which it can still
        town.talk_for(0.2, RATE)
        town.check_nothing_lost()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_replaces_nothing(relay: ReplaceableRelay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threat N16."""
    code = """
import relay_server.__main__, relay_server.operator.client, relay_server.operator.location, relay_server.operator.tables
step_down()
relay_server.__main__.main()
"""
    monkeypatch.setenv("RELAY_ADMIN_SOCKET", os.fspath(relay.admin_socket))
    Path(relay.admin_socket.parent).chmod(0o755)  # even where everybody may look
    done = run_unprivileged(code, "admin", "replace")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is for the relay's user and root alone: say sudo." in done.stderr
    assert said_by(relay, "replacing") == []


@pytest.mark.requirement("STR-05")
def test_streams_resume_and_lose_nothing(relay: ReplaceableRelay) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            streamers = [Streamer(b"tea", name, relay.relay.tcp_port) for name in ("ann", "bob", "cid")]
            for streamer in streamers:
                operation = wire.CREATE if streamer is streamers[0] else wire.JOIN
                await stack.enter_async_context(streamer.there(operation))
            replacing = asyncio.create_task(asyncio.to_thread(relay.replace))
            words = 0
            while not replacing.done() or words < 60:
                words += 1
                for streamer in streamers:
                    await streamer.say(f"{streamer.name} {words}")
                await asyncio.sleep(0.01)
            await replacing
            for streamer in streamers:
                await streamer.until(lambda one=streamer: one.is_answered)
                await streamer.until(lambda one=streamer: len(one.heard) >= 2 * words)
                for other in streamers:
                    texts = [text for _, text in streamer.heard if text.startswith(other.name)]
                    due = [] if other is streamer else [f"{other.name} {number}" for number in range(1, words + 1)]
                    assert texts == due
                assert streamer.resumes  # its connection ended with the old process
                assert not streamer.gone

    asyncio.run(scenario())


def test_browsers_resume_and_lose_nothing(settings: dict[str, str], tmp_path: Path) -> None:
    (port,) = free_ports(1)

    async def scenario(relay: ReplaceableRelay) -> None:
        async with Browser("ann", port) as ann, Browser("bob", port) as bob:
            replacing = asyncio.create_task(asyncio.to_thread(relay.replace))
            while not replacing.done() or not (ann.resumes and bob.resumes):
                await bob.say()
                await asyncio.sleep(0.01)
            await replacing
            await bob.until(lambda: not bob.unanswered)
            await ann.until(lambda: len(ann.heard) >= bob.words)
            assert ann.heard == [f"word {number}" for number in range(1, bob.words + 1)]
            assert (ann.resumes, bob.resumes) == (1, 1)

    with running(tmp_path / "log", settings | {"RELAY_WEB_PORT": str(port)}) as relay:
        asyncio.run(scenario(relay))


def test_joins_and_health_have_no_gap(relay: ReplaceableRelay) -> None:
    told: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            told.extend((relay.ops("/healthz").strip(), relay.ops("/readyz").strip()))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        with People(relay.relay) as people:
            people.create(b"demo", b"member 0")
            asked = relay.begin_replacing()
            joined = 0
            while asked.poll() is None:
                joined += 1
                people.join(b"demo", b"member %d" % joined)
            row = relay.finish_replacing(asked)
            assert row["members"] <= joined + 1
            metrics = await_metrics(relay, lambda now: now.value("relay_members") == joined + 1)
            ok = metrics.value("relay_transactions_total", operation="join", status="ok")
            assert ok == joined
    finally:
        over.set()
        looking.join()
    assert set(told) == {"ok", "ready"}


def test_one_at_a_time_and_not_when_it_ends(relay: ReplaceableRelay) -> None:
    first = relay.begin_replacing({"NEWCOMER": "hangs"})
    await_said(relay, "replacing")
    second = relay.begin_replacing()
    _, err = second.communicate()
    assert (second.returncode, err) == (
        1, "relay-server: A replacement is under way already: wait for its end.\n"
    )  # fmt: skip
    started = time.monotonic()
    assert relay.stop() == 0  # which waits for no newcomer
    print(f"it ended {time.monotonic() - started:.1f} s after it was told to")
    _, err = first.communicate(timeout=DEADLINE_SECONDS)
    assert (first.returncode, err) == (
        1, "relay-server: The relay is about to end: start another one when it has.\n"
    )  # fmt: skip


def test_new_settings_count_from_now_on(relay: ReplaceableRelay, loop: str) -> None:
    (lobby,) = free_ports(1)
    other = "asyncio" if loop == "uvloop" else "uvloop"
    with People(relay.relay) as people:
        ann, bob = people.pair(b"demo")
        relay.replace({"RELAY_LOBBY_PORT": str(lobby), "RELAY_EVENT_LOOP": other, "RELAY_MAX_ROOMS": "1"})
        ann.say(b"still here")
        assert bob.hear() == b"ann: still here"
        create = wire.frame(wire.CREATE, wire.REQUEST, b"other", b"eve")
        assert status_of(relay.relay, create) == wire.TOO_MANY
        first, second = said_by(relay, "listening")
        assert (second["lobby_port"], second["loop"]) == (lobby, other) != (first["lobby_port"], first["loop"])
        relay.replace()  # with what the one before was given
        assert status_of(relay.relay, create) == wire.TOO_MANY


@pytest.mark.parametrize("how", newcomers.CLOCKS_SET_BY)
def test_a_clock_that_is_set_meanwhile_makes_nobody_older(relay: ReplaceableRelay, how: str) -> None:
    with People(relay.relay) as people:
        town = Town(people, rooms=2, members=5)
        town.talk_for(0.2, RATE)
        relay.replace({"NEWCOMER": how})
        town.talk_for(0.8, RATE)  # over some looks at who is silent
        town.check_nothing_lost()
        metrics = scrape(relay)
        assert metrics.total("relay_evictions_total") == 0
        assert metrics.value("relay_members") == 10
        assert metrics.value("relay_rooms") == 2


def test_each_host_hears_what_became_of_its_password(relay: ReplaceableRelay) -> None:
    """Its hash may be worked on when the process is replaced."""
    with People(relay.relay) as people:
        hosts = [people.create(b"room %d" % number, b"ann") for number in range(12)]
        waiting, busy = set(), 0
        asked = relay.begin_replacing()
        while asked.poll() is None:
            for host in hosts:
                heard = [data for data in host.waiting() if data.startswith(b"server: ")]
                busy += sum(b"try again" in data for data in heard)
                if heard:
                    waiting.discard(host)
                if host not in waiting:
                    host.say(b"/password secret")
                    waiting.add(host)
            time.sleep(0.005)
        relay.finish_replacing(asked)
        for host in waiting:
            host.receive_until(lambda data: data.startswith(b"server: "))
        print(f"{busy} were told to try again")


def test_the_operators_socket_and_the_log_go_on(relay: ReplaceableRelay) -> None:
    with People(relay.relay) as people:
        people.pair(b"demo")
        assert said_by(relay, "admin_off") == []
        row = relay.replace()
        done = relay.admin("rooms", "--json")
        out, _ = done.communicate()
        assert [room["room"] for room in json.loads(out)] == ["demo"]
        (told,) = said_by(relay, "replaced")
        assert told["pid"] == row["pid"]
        asked = relay.admin("replace")
        out, err = asked.communicate()
        assert re.fullmatch(
            r"A new process \(pid \d+, version \S+\) has the relay: one room, 2 members\. "
            r"It took \d+ bytes of state in format 1; the chat paused for [0-9.]+ ms\.\n",
            out,
        ), err
        relay.adopt(int(out.split("pid ")[1].split(",")[0]))


def test_the_operators_socket_may_get_another_place(relay: ReplaceableRelay) -> None:
    before, after = relay.admin_socket, relay.admin_socket.with_name("other.sock")
    relay.replace({"RELAY_ADMIN_SOCKET": os.fspath(after)})
    relay.admin_socket = after
    out, _ = relay.admin("rooms").communicate()
    assert out == "There are no rooms.\n"
    await_metrics(relay, lambda _: not before.exists())


def test_the_lobby_goes_on(relay: ReplaceableRelay) -> None:
    with People(relay.relay) as people:
        ann, bob = (people.listener(relay.relay.lobby_port, people.local) for _ in range(2))
        for client, name in ((ann, b"ann"), (bob, b"bob")):
            client.send(wire.lobby(name, b"hello"))
        await_metrics(relay, lambda now: now.value("relay_lobby_clients") == 2)
        relay.replace()
        assert scrape(relay).value("relay_lobby_clients") == 2
        ann.send(wire.lobby(b"ann", b"still here"))
        bob.receive_until(lambda data: data.endswith(b"still here"))


def test_stop_says_farewell(relay: ReplaceableRelay) -> None:
    with People(relay.relay) as people:
        ann, _ = people.pair(b"demo")
        relay.replace()
        asked = relay.admin("stop")
        assert asked.communicate() == ("The relay ends now; 2 members told.\n", "")
        ann.await_notice(b"disconnected: shutdown")
        assert relay.process.wait(DEADLINE_SECONDS) == 0
        assert not relay.admin_socket.exists()
