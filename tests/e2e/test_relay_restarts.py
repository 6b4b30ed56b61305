"""A relay with a directory for its state ends and starts again, and nobody joins anew (CONT-01 to CONT-03)."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from conformance import wire
from conformance.people import NOTICE, Listener, Member, People, call, status_of
from conformance.relays import STOP_SECONDS
from conformance.streams import StreamMember
from e2e.relay_metrics import Metrics, await_metrics
from e2e.restarting import StayingRelay
from unprivileged import run_unprivileged

ROOM = b"tea"
RESUME = ("resume", "receipts", "notices")
SHUTDOWN = b"disconnected: shutdown"
ELSEWHERE = "127.0.0.66"

StartStaying = Callable[..., StayingRelay]
both_ends = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "killed"])


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def start(loop: str, tmp_path: Path) -> Iterator[StartStaying]:
    with ExitStack() as ends:

        def start(*places: str, within: Sequence[str] = (), **settings: str) -> StayingRelay:
            return ends.enter_context(StayingRelay(tmp_path, places, within, **{"RELAY_EVENT_LOOP": loop, **settings}))

        yield start


@pytest.fixture
def staying(start: StartStaying) -> StayingRelay:
    return start()


def told(member: Member, text: bytes) -> None:
    """Wait for a notice that begins so."""
    member.receive_until(lambda data: data.startswith(b"server: " + text))


def notices(member: Member, after: Member) -> list[bytes]:
    return [data for data in member.heard(after) if data.startswith(b"server: ")]


def knock(staying: StayingRelay, name: str, password: str) -> int:
    payload = json.dumps({"username": name, "password": password}).encode()
    return status_of(staying.relay, wire.frame(wire.JOIN, wire.REQUEST, ROOM, payload))


@pytest.mark.requirement("CONT-01", "CONT-02", "CON-01", "CON-02")
@both_ends
def test_members_chat_on_with_their_tokens_and_are_told_nothing(staying: StayingRelay, number: signal.Signals) -> None:
    with People(staying.relay) as people:
        ann, bob, eve = people.trio(ROOM)
        for life in range(3):
            staying.restart(number)
            for member, other in ((ann, bob), (bob, ann), (eve, ann)):
                assert notices(member, after=other) == []
            for n in range(20):
                bob.say(b"%d of %d" % (n, life))
                assert ann.hear() == eve.hear() == b"bob: %d of %d" % (n, life)
            assert staying.restored() == (1, 3)
            assert staying.joins() == 0
            assert staying.metrics().total("relay_evictions_total") == 0
            staying.await_log("state_restored")


@pytest.mark.requirement("CONT-01")
@both_ends
def test_the_room_is_what_its_host_made_of_it(staying: StayingRelay, number: signal.Signals) -> None:
    with People(staying.relay) as people:
        ann, bob, eve = people.trio(ROOM)
        people.join(ROOM, b"mallory", source=ELSEWHERE)
        for command, answer in (
            (b"/ban mallory", b"mallory is banned"), (b"/mute eve", b"eve"),
            (b"/topic at five", b"topic: at five"), (b"/password secret", b"The room has a new password"),
        ):  # fmt: skip
            ann.say(command)
            told(ann, answer)
        staying.restart(number)
        assert knock(staying, "zoe", "wrong") == wire.WRONG_PASSWORD
        assert knock(staying, "mallory", "secret") == wire.BAD_NAME
        assert knock(staying, "Bob", "secret") == wire.NAME_TAKEN
        eve.say(b"may I?")
        told(eve, b"You are muted")
        assert ann.heard_messages(after=bob) == []
        zoe = people.join(ROOM, b"zoe", password="secret")
        told(zoe, b"topic: at five")
        bob.say(b"/kick zoe")
        told(bob, b"Only the host")
        ann.say(b"/kick zoe")
        zoe.await_notice(b"disconnected: kicked")


@pytest.mark.requirement("CONT-01", "RES-01")
@both_ends
def test_tickets_and_receipts_stay(staying: StayingRelay, number: signal.Signals) -> None:
    with People(staying.relay) as people:
        ann, bob = people.create(ROOM, b"ann"), people.join(ROOM, b"bob", features=RESUME)
        bob.say(b"/say 1 one")
        assert ann.hear() == b"bob: one"
        staying.restart(number)
        bob.say(b"/say 2 two")
        assert ann.hear() == b"bob: two"
        bob.receive_until(lambda data: b'"said"' in data)
        if number is signal.SIGTERM:  # whoever kills it loses which numbers were said
            bob.say(b"/say 1 one")
        again = people.join(ROOM, b"bob", features=RESUME, more={"resume": json.loads(bob.completion)["resume"]})
        again.say(b"/say 3 three")
        assert ann.hear() == b"bob: three"
        assert staying.joins() == 0


@pytest.mark.requirement("CONT-03", "STR-05")
@both_ends
def test_a_stream_breaks_and_is_resumed_with_another_epoch(staying: StayingRelay, number: signal.Signals) -> None:
    with People(staying.relay) as people:
        ann, eve = people.pair(ROOM)
        bob = StreamMember(staying.relay, wire.JOIN, ROOM, "zoe")
        ann.say(b"one")
        newest = bob.await_text()["seq"]
        ann.waiting()
        staying.restart(number)
        assert not [line for line in bob.rest() if "bye" in line]
        assert notices(ann, after=eve) == []
        assert staying.restored() == (1, 3)
        known = {"epoch": bob.completion["epoch"], "heard": newest}
        with StreamMember(staying.relay, wire.JOIN, ROOM, "zoe", **known, **bob.ticket) as again:
            assert again.completion["epoch"] != bob.completion["epoch"]
            assert {"gone": "all"} in again.ask()
            ann.say(b"two")
            assert again.await_text()["text"] == "two"
            again.say("three", 1)
            assert ann.hear() == b"zoe: three"
        assert staying.joins() == 0
        bob.sock.close()


@pytest.mark.requirement("CONT-02")
def test_who_was_granted_a_join_is_told_so_before_the_end(staying: StayingRelay) -> None:
    with People(staying.relay) as people, call(staying.relay) as asking:
        ann = people.create(ROOM, b"ann")
        asking.sendall(wire.frame(wire.JOIN, wire.REQUEST, ROOM, b"bob"))
        reply = wire.read_frame(asking)
        assert reply
        assert reply.payload == bytes([wire.OK])  # the token comes after a pause (TCP-08)
        staying.now.process.send_signal(signal.SIGTERM)
        completion = wire.read_frame(asking)
        assert completion
        assert staying.now.process.wait(STOP_SECONDS) == 0
        staying.start()
        ann.send(wire.chat(ROOM, completion.payload, b"from bob's address, which is hers too"))
        ann.keep_alive()
        assert staying.restored() == (1, 2)
        await_metrics(staying.now, lambda now: now.value("relay_datagrams_accepted_total") == 2)


@pytest.mark.requirement("CONT-01", "LOB-01")
@both_ends
def test_the_lobby_stays(staying: StayingRelay, number: signal.Signals) -> None:
    with ExitStack() as stack:
        address = ("127.0.0.1", staying.relay.lobby_port)
        ann, bob = (stack.enter_context(Listener(address, "127.0.0.1")) for _ in range(2))
        ann.send(wire.lobby(b"ann"))
        bob.receive_until(lambda data: data == wire.lobby(b"ann", b"hi"), lambda: enter_and_greet(ann, bob))
        staying.restart(number)
        ann.waiting(), bob.waiting()
        ann.send(wire.lobby(b"ann", b"once"))
        assert bob.receive() == wire.lobby(b"ann", b"once")  # bob didn't say a word to this process


def enter_and_greet(ann: Listener, bob: Listener) -> None:
    bob.send(wire.lobby(b"bob"))
    ann.send(wire.lobby(b"ann", b"hi"))


@pytest.mark.requirement("CONT-02", "EVI-06")
def test_an_interrupt_says_farewell_and_leaves_nothing(staying: StayingRelay) -> None:
    with People(staying.relay) as people:
        ann, bob = people.pair(ROOM)
        staying.end(signal.SIGINT)
        for member in (ann, bob):
            member.await_notice(SHUTDOWN)
        assert not staying.journal.exists()
        staying.start()
        assert staying.restored() == (0, 0)
        bob.say(b"still here?")
        people.create(ROOM, b"zoe")


@pytest.mark.requirement("CONT-01")
def test_nothing_is_written_for_messages(staying: StayingRelay) -> None:
    with People(staying.relay) as people:
        ann, bob = people.pair(ROOM)
        before = staying.metrics()
        assert before.value("relay_state_writes_total") > 0
        assert before.value("relay_state_current") == 1
        size = staying.journal.stat().st_size
        for n in range(500):
            bob.say(b"%d" % n)
            assert ann.hear() == b"bob: %d" % n
            ann.keep_alive()
        after = staying.metrics()
        for name in ("relay_state_writes_total", "relay_state_written_bytes_total", "relay_state_bytes"):
            assert after.value(name) == before.value(name), name
        assert staying.journal.stat().st_size == size
        bob.say(b"/leave")
        await_metrics(
            staying.now, lambda now: now.value("relay_state_writes_total") > before.total("relay_state_writes_total")
        )


@pytest.mark.requirement("CONT-01")
def test_the_state_is_for_the_relays_user_alone(staying: StayingRelay) -> None:
    with People(staying.relay) as people:
        people.pair(ROOM)
        staying.restart(signal.SIGTERM)
        modes = {path.name: path.stat().st_mode & 0o777 for path in staying.state.iterdir()}
        assert modes == {"journal": 0o600, "lock": 0o600}


@pytest.mark.requirement("CONT-01")
def test_a_state_that_is_older_than_the_silence_time_out_is_dropped(staying: StayingRelay) -> None:
    with People(staying.relay) as people:
        people.pair(ROOM)
        staying.end(signal.SIGTERM)
        before = staying.journal.stat().st_mtime - 301
        os.utime(staying.journal, (before, before))
        staying.start()
        assert staying.restored() == (0, 0)
        staying.await_log("state_dropped")


@pytest.mark.requirement("CONT-01")
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"PNG" + data,
        lambda data: data.replace(b'"format":1', b'"format":9'),
        lambda data: data[: len(data) // 2] + b"\n" + data[len(data) // 2 :],
    ],
    ids=["foreign", "changed", "torn in the middle"],
)
def test_a_file_that_cant_be_read_is_set_aside(staying: StayingRelay, damage: Callable[[bytes], bytes]) -> None:
    with People(staying.relay) as people:
        people.pair(ROOM)
        staying.end(signal.SIGTERM)
        damaged = damage(staying.journal.read_bytes())
        staying.journal.write_bytes(damaged)
        staying.start()
        assert staying.restored() == (0, 0)
        staying.await_log("state_set_aside")
        assert (staying.state / "journal.bad").read_bytes() == damaged
        people.create(ROOM, b"ann")


@pytest.mark.requirement("CONT-01")
def test_a_write_that_was_cut_short_spoils_nothing(staying: StayingRelay) -> None:
    with People(staying.relay) as people:
        people.pair(ROOM)
        staying.end(signal.SIGKILL)
        with staying.journal.open("ab") as file:
            file.write(b'0123abcd {"member":{"room":"746')
        staying.start()
        assert staying.restored() == (1, 2)
        assert not (staying.state / "journal.bad").exists()


def refused(directory: Path) -> str:
    """Start another relay on a directory, which is to refuse it; returns what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    ports = {f"RELAY_{name}_PORT": "0" for name in ("LOBBY", "OPS", "WEB")}
    environment |= ports | {"RELAY_STATE_DIRECTORY": str(directory), "RELAY_ADMIN_SOCKET": ""}
    ended = subprocess.run(
        [sys.executable, "-m", "relay_server", "run"], env=environment, capture_output=True, text=True, check=False,
        timeout=STOP_SECONDS,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


@pytest.mark.requirement("CONT-01")
def test_a_second_relay_on_the_same_directory_is_refused_in_one_sentence(staying: StayingRelay) -> None:
    said = refused(staying.state)
    assert "another relay uses it; end that one or choose another directory" in said
    staying.end(signal.SIGKILL)
    staying.start()  # a killed one leaves no lock behind


@pytest.mark.requirement("CONT-01")
def test_a_directory_that_cant_be_used_is_refused_in_one_sentence(tmp_path: Path) -> None:
    assert "it isn't there" in refused(tmp_path / "none")
    public = tmp_path / "public"
    public.mkdir()
    public.chmod(0o1777)
    assert "every user may write there" in refused(public)


AS_NOBODY = """
import os, sys
import relay_server.commands.run, relay_server.lifecycle, relay_server.parts, relay_server.telemetry.aside
from relay_server.__main__ import main
step_down()
os.environ |= {"RELAY_STATE_DIRECTORY": sys.argv[1], "RELAY_EVENT_LOOP": "asyncio"}
sys.argv[1:] = ["run"]
main()
"""


@pytest.mark.requirement("CONT-01")
def test_a_directory_that_the_relays_user_cant_write_to_is_refused_in_one_sentence() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o555)
        ended = run_unprivileged(AS_NOBODY, directory)
    assert ended.returncode == 2
    assert ended.stderr == (
        f"relay-server: RELAY_STATE_DIRECTORY is '{directory}': the relay's user may not write there; "
        "give it to that user.\n"
    )


LOGIC = "relay_server.core.relay:parse_datagram"


@pytest.mark.requirement("CONT-02")
def test_an_error_keeps_everybody_but_not_for_ever(start: StartStaying) -> None:
    """What was restored may be what makes the error: then the next one would never end."""
    staying = start(LOGIC)
    with People(staying.relay) as people:
        ann, bob = people.pair(ROOM)
        for restored in (False, True):
            ann.waiting()
            staying.now.break_()
            with socket.socket(type=socket.SOCK_DGRAM) as stranger:
                stranger.sendto(b"any", ("127.0.0.1", staying.relay.udp_port))
            assert staying.now.process.wait(STOP_SECONDS) == 1
            assert staying.journal.exists() is not restored
            assert (NOTICE + SHUTDOWN in ann.waiting()) is restored
            staying.start()
            assert staying.restored() == ((0, 0) if restored else (1, 2))
            if not restored:
                bob.say(b"still here")
                assert ann.hear() == b"bob: still here"


SMALL_DISK = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=64k,mode=0700 none "$0" && exec "$@"')


@pytest.mark.needs("namespaces")
@pytest.mark.requirement("CONT-01")
def test_a_full_disk_is_counted_and_the_chat_goes_on(start: StartStaying) -> None:
    """64 KiB are enough for a room, until its topic has changed a few hundred times."""
    staying = start(within=SMALL_DISK, RELAY_SILENCE_TIMEOUT_SECONDS="4")
    with People(staying.relay) as people:
        ann, bob = people.pair(ROOM)

        def change_topic() -> None:
            for n in range(20):
                ann.say(b"/topic " + b"%d" % n * 60)
            bob.say(b"done")
            assert ann.hear() == b"bob: done"

        def fails(now: Metrics) -> bool:
            change_topic()
            return now.value("relay_state_failures_total") > 0

        await_metrics(staying.now, fails)
        staying.await_log("state_not_saved")
        await_metrics(staying.now, lambda now: now.value("relay_state_current") == 1)  # it was written anew
        staying.await_log("state_saved_again")
        bob.say(b"on we go")
        assert ann.hear() == b"bob: on we go"
