"""A host keeps order in its room, by messages (MOD-01 to MOD-08)."""

import json
import secrets

import pytest

from conformance import wire
from conformance.conftest import StartRelay
from conformance.people import Member, People, ask, status_of
from conformance.relays import OBEYS_NOBODY, RESTRICTED, TALKATIVE, OwnRelay, Relay

pytestmark = pytest.mark.level("extension")

NOT_THE_HOST = b"server: Only the host may do that"
HOSTS_COMMANDS = [b"/kick bob", b"/ban bob", b"/unban bob", b"/mute bob", b"/unmute bob", b"/host eve", b"/topic x"]


def knock(relay: Relay, room: bytes, name: bytes, source: str = "") -> int:
    """Try to join; returns the status. Who is let in leaves at once."""
    frames = ask(relay, wire.frame(wire.JOIN, wire.REQUEST, room, name), source)
    return frames[0].payload[0]


def tells(member: Member, text: bytes) -> bytes:
    """Wait for a notice that begins so."""
    return member.receive_until(lambda data: data.startswith(b"server: " + text))


def counts(own: OwnRelay) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in own.ops("/metrics").splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize("command", [*HOSTS_COMMANDS, b"/password x"])
def test_only_the_host_may_use_host_commands(people: People, room: bytes, command: bytes) -> None:
    ann, bob, eve = people.trio(room)
    eve.say(command)
    told = eve.heard(after=ann)
    assert len(told) == 1
    assert told[0].startswith(NOT_THE_HOST)
    for member, other in ((ann, bob), (bob, ann)):
        assert [data for data in member.heard(after=other) if command in data or data.startswith(b"server: ")] == []
    ann.say(b"/who")
    assert tells(ann, b"3 here") == b"server: 3 here: ann (host), bob, eve."
    people.join(room, b"zoe")


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize("text", [b"/shrug", b" /kick bob", b"/kicks bob", b"/who?"])
def test_text_that_is_not_a_command_is_relayed(people: People, room: bytes, text: bytes) -> None:
    ann, bob = people.pair(room)
    ann.say(text)
    assert bob.hear() == b"ann: " + text


@pytest.mark.requirement("MOD-01", "CON-01", "CON-02")
def test_commands_are_accepted_and_not_relayed(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(**TALKATIVE)
    with People(own.relay) as people:
        ann, bob = people.pair(room)
        before = counts(own)
        for command in (b"/who", b"/topic tea", b"/mute bob", b"/unmute bob", b"/kick nobody"):
            ann.say(command)
        tells(ann, b"Nobody here is called nobody.")
        now = counts(own)
        assert now["relay_datagrams_accepted_total"] - before["relay_datagrams_accepted_total"] == 5
        assert now["relay_datagrams_sent_total"] == before["relay_datagrams_sent_total"]
        assert now['relay_commands_total{command="mute"}'] - before['relay_commands_total{command="mute"}'] == 1
        assert [data for data in bob.waiting() if not data.startswith(b"server: ")] == []


@pytest.mark.requirement("MOD-01", "LIM-01")
def test_commands_are_limited_like_messages(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(message_rate=1, message_burst=5).relay) as people:
        ann, bob = people.pair(room)
        for _ in range(20):
            ann.say(b"/kick nobody")
        ann.say(b"/kick bob")
        tells(ann, b"slow down")
        bob.keep_alive()
        assert status_of(people.relay, wire.frame(wire.JOIN, wire.REQUEST, room, b"bob")) == wire.NAME_TAKEN


@pytest.mark.requirement("MOD-01", "TCP-07")
@pytest.mark.parametrize("on", [True, False])
def test_a_completion_says_whether_commands_are_executed(start_relay: StartRelay, room: bytes, on: bool) -> None:
    own = start_relay() if on else start_relay(**OBEYS_NOBODY)
    with People(own.relay) as people:
        ann, bob = people.pair(room)
        request = json.dumps({"username": "zoe", "reply": "json"}).encode()
        frames = ask(own.relay, wire.frame(wire.JOIN, wire.REQUEST, room, request))
        assert json.loads(frames[1].payload)["moderation"] is on
        ann.say(b"/topic tea")
        if on:
            bob.await_notice(b"topic: tea")
        else:
            assert bob.hear() == b"ann: /topic tea"


@pytest.mark.requirement("MOD-02")
def test_every_member_may_list_the_members(people: People, room: bytes) -> None:
    ann, bob, eve = people.trio(room)
    for member in (ann, bob, eve):
        member.say(b"/who")
        assert tells(member, b"3 here") == b"server: 3 here: ann (host), bob, eve."


@pytest.mark.requirement("MOD-02", "CON-03")
def test_a_long_list_is_split_into_notices_and_rate_limited(people: People, room: bytes) -> None:
    ann = people.create(room, b"ann")
    names = [b"%d " % number + b"x" * 200 for number in range(20)]
    for name in names:
        people.join(room, name)
    ann.heard(after=people.join(room, b"zoe"))
    ann.say(b"/who")
    ann.say(b"/who")
    heard = [tells(ann, b"22 here")]
    while not heard[-1].endswith(b"."):
        heard.append(ann.receive())
    assert len(heard) > 3
    assert all(len(data) <= 1200 for data in heard)
    listed = b" ".join(data.removeprefix(b"server: ").removeprefix(b"... ") for data in heard)
    assert listed == b"22 here: " + b", ".join([b"ann (host)", *names, b"zoe"]) + b"."
    tells(ann, b"You asked a moment ago")
    assert ann.waiting() == []


@pytest.mark.requirement("MOD-03", "EVI-02")
def test_a_kicked_member_is_told_and_may_come_back(people: People, room: bytes) -> None:
    ann, bob, eve = people.trio(room)
    ann.say(b"/kick BOB")
    assert bob.receive() == b"server: disconnected: kicked"
    eve.await_notice(b"bob was disconnected: kicked")
    tells(ann, b"bob was kicked")
    bob.say(b"am I there?")
    assert eve.heard_messages(after=ann) == []
    people.join(room, b"bob")


@pytest.mark.requirement("MOD-03")
def test_names_have_spaces_and_nobody_kicks_itself(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    zoe = people.join(room, "Zoë of the Sea".encode())
    ann.say(b"/kick ann")
    tells(ann, b"You can't /kick yourself.")
    ann.say("/kick zoë of the sea".encode())
    zoe.await_notice(b"disconnected: kicked")
    ann.say(b"I stay")
    assert bob.hear() == b"ann: I stay"


@pytest.mark.requirement("MOD-04", "FEAT-04")
def test_a_banned_member_cant_join_with_its_name_or_from_its_address(relay: Relay, room: bytes) -> None:
    if not relay.is_loopback_v4:
        pytest.skip("needs several addresses of our own: give a target on 127.0.0.1")
    with People(relay) as people:
        ann = people.create(room, b"ann", "127.0.0.1")
        bob = people.join(room, b"bob", "127.0.0.2")
        ann.say(b"/ban bob")
        bob.await_notice(b"disconnected: kicked")
        assert tells(ann, b"bob is banned") == b"server: bob is banned by name and address."
        assert knock(relay, room, b"bob", "127.0.0.3") == wire.BAD_NAME
        assert knock(relay, room, b"Bob", "127.0.0.3") == wire.BAD_NAME
        assert knock(relay, room, b"zoe", "127.0.0.2") == wire.BAD_NAME
        assert knock(relay, room, b"cem", "127.0.0.3") == wire.OK
        request = json.dumps({"username": "bob", "reply": "json"}).encode()
        (reply,) = ask(relay, wire.frame(wire.JOIN, wire.REQUEST, room, request), "127.0.0.2")
        assert "banned" in json.loads(reply.payload)["message"]
        assert json.loads(reply.payload)["banned"] is True
        request = json.dumps({"username": "bob", "reply": "json", "features": ["notices"]}).encode()
        (coded,) = ask(relay, wire.frame(wire.JOIN, wire.REQUEST, room, request), "127.0.0.2")
        assert json.loads(coded.payload) == {**json.loads(reply.payload), "code": "banned"}
        ann.say(b"/unban")
        tells(ann, b"Banned: bob.")
        ann.say(b"/unban bob")
        tells(ann, b"bob may come in again.")
        people.join(room, b"bob", "127.0.0.2")


@pytest.mark.requirement("MOD-04")
def test_a_member_at_the_hosts_address_is_banned_by_name_only(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    ann.say(b"/ban bob")
    bob.await_notice(b"disconnected: kicked")
    assert tells(ann, b"bob is banned") == b"server: bob is banned by name alone."
    assert knock(people.relay, room, b"bob") == wire.BAD_NAME
    people.join(room, b"zoe")
    ann.say(b"/ban ann")
    tells(ann, b"The host can't be banned.")


@pytest.mark.requirement("MOD-04", "ROOM-06")
def test_a_ban_doesnt_refuse_a_host_that_comes_back(start_relay: StartRelay, room: bytes) -> None:
    with People(start_relay(**RESTRICTED).relay) as people:
        ann = people.create(room, b"ann", "127.0.0.1")
        bob = people.join(room, b"bob", "127.0.0.2")
        eve = people.join(room, b"eve", "127.0.0.2")
        ann.say(b"/ban eve")
        eve.await_notice(b"disconnected: kicked")
        ann.say(b"/host bob")
        bob.await_notice(b"bob is the host now")
        bob.leave()
        ann.await_notice(b"bob left")
        assert knock(people.relay, room, b"zoe", "127.0.0.2") == wire.BAD_NAME
        again = people.join(room, b"bob", "127.0.0.2")
        again.say(b"/who")
        tells(again, b"2 here: ann, bob (host).")


@pytest.mark.requirement("MOD-05")
def test_a_muted_members_messages_are_not_relayed(people: People, room: bytes) -> None:
    ann, bob, eve = people.trio(room)
    ann.say(b"/mute bob")
    tells(bob, b"The host muted you")
    for _ in range(3):
        bob.say(b"hello?")
    tells(bob, b"You are muted")
    bob.keep_alive()
    bob.say(b"/who")
    tells(bob, b"3 here: ann (host), bob (muted), eve.")
    assert eve.heard_messages(after=ann) == []
    ann.say(b"/unmute bob")
    tells(bob, b"You may speak again.")
    bob.say(b"thanks")
    assert eve.hear() == b"bob: thanks"
    ann.say(b"/mute bob")
    tells(bob, b"The host muted you")
    bob.leave()
    eve.await_notice(b"bob left")
    bob = people.join(room, b"BOB")
    bob.say(b"hello again")
    tells(bob, b"You are muted")
    assert eve.heard_messages(after=ann) == []


@pytest.mark.requirement("MOD-06", "ROOM-01")
def test_the_new_host_has_all_rights_and_the_room_depends_on_it(people: People, room: bytes) -> None:
    ann, bob, eve = people.trio(room)
    ann.say(b"/host bob")
    for member in (ann, bob, eve):
        member.await_notice(b"bob is the host now")
    ann.say(b"/kick eve")
    tells(ann, b"Only the host may do that")
    ann.leave()
    eve.await_notice(b"ann left")
    bob.say(b"I am the host")
    assert eve.hear() == b"bob: I am the host"
    bob.leave()
    eve.await_notice(b"disconnected: host_left")


@pytest.mark.requirement("MOD-07")
def test_a_topic_is_sent_to_all_members_and_to_new_ones(people: People, room: bytes) -> None:
    ann, bob = people.pair(room)
    ann.say("/topic thé\x1b, at five\n".encode())
    for member in (ann, bob):
        member.await_notice("topic: thé\ufffd, at five".encode())
    zoe = people.join(room, b"zoe")
    zoe.await_notice("topic: thé\ufffd, at five".encode())
    ann.say(b"/topic " + b"x" * 513)
    tells(ann, b"The topic is too long by 1 bytes.")
    ann.say(b"/topic -")
    zoe.await_notice(b"no topic")
    bob.say(b"/topic")
    assert tells(bob, b"no topic")


@pytest.mark.requirement("MOD-08", "PWD-02", "PWD-06")
def test_a_host_sets_changes_and_removes_the_password(start_relay: StartRelay, room: bytes) -> None:
    own = start_relay(**TALKATIVE)
    first, second = secrets.token_hex(8), secrets.token_hex(8)

    def tries(name: str, password: str | None) -> int:
        request = json.dumps({"username": name, "password": password}).encode()
        return ask(own.relay, wire.frame(wire.JOIN, wire.REQUEST, room, request))[0].payload[0]

    with People(own.relay) as people:
        ann, bob = people.pair(room)
        ann.say(f"/password {first}\n".encode())
        tells(ann, b"The room has a new password. It came over UDP, in the clear")
        assert bob.heard(after=ann)[:-1] == []
        assert tries("zoe", None) == wire.WRONG_PASSWORD
        assert tries("zoe", first) == wire.OK
        ann.say(f"/PASSWORD {second}".encode())
        tells(ann, b"The room has a new password.")
        assert tries("cem", first) == wire.WRONG_PASSWORD
        assert tries("cem", second) == wire.OK
        ann.say(b"/password")
        tells(ann, b"The room has a password: ")
        ann.say(b"/password -")
        tells(ann, b"The room has no password any more.")
        assert tries("dan", None) == wire.OK
        ann.say(f"/password {first}".encode())
        tells(ann, b"The room has a new password.")
        for password in (None, second):  # bob asks whether he is still there
            assert tries("bob", password) == wire.NAME_TAKEN
        bob.say(b"still here")
        assert ann.hear() == b"bob: still here"
    shown = own.said() + own.ops("/metrics")
    assert "command_obeyed" in shown
    assert first not in shown
    assert second not in shown
