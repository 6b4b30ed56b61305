"""What a host commands, who else may ask what, and what is answered (MOD-01 to MOD-05)."""

from types import SimpleNamespace

import pytest

from chatproto import Command, EvictionReason, parse_notice
from chatproto.notice_parts import LIST_BYTES, MAX_LIST_NOTICES
from chatproto.notices import Advice
from relay_server.core import events
from relay_server.core.address import network_of
from relay_server.core.counters import DropReason
from relay_server.core.errors import BannedError, NameTakenError
from relay_server.core.moderation import MAX_MUTES, ModerationError
from services.relay_server.core.commanding import SERVER, answers, command
from services.relay_server.core.rooms_case import NOTHING_SAID, Case, home, relayed
from steps import count_steps

ORDERS = ["/kick bob", "/ban bob", "/unban bob", "/mute bob", "/unmute bob", "/topic tea", "/host bob", "/password x"]


@pytest.mark.requirement("MOD-03")
@pytest.mark.parametrize("message", ["/kick bob", "/KICK Bob", "/kick  bob \r\n", "/kick\u3000bob"])
def test_the_host_kicks_a_member(message: str) -> None:
    case = Case()
    ann, bob, eve = case.trio()
    assert command(case, ann, message) == [
        ("server: disconnected: kicked", [home(bob)]),
        ("server: bob was disconnected: kicked", [home(ann), home(eve)]),
        ("server: bob was kicked; /ban keeps somebody out.", [home(ann)]),
    ]
    assert not case.knows(bob)
    assert case.events[-1] == events.CommandObeyed("demo", Command.KICK)
    case.join("bob")


@pytest.mark.requirement("MOD-03")
def test_names_may_have_spaces() -> None:
    case = Case()
    ann, _, _ = case.trio()
    member = case.join("Zoe of  the Sea")
    answers(case, ann, "/kick zoe of  the sea")
    assert not case.knows(member)


def test_who_just_came_may_ask_at_once() -> None:
    case = Case()
    _, bob, _ = case.trio()
    assert answers(case, bob, "/who", now=0.0) == ["3 here: ann (host), bob, eve."]


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize("order", ORDERS)
def test_only_the_host_commands(order: str) -> None:
    case = Case()
    ann, bob, eve = case.trio()
    assert answers(case, eve, order) == ["Only the host may do that; /who and /topic are for everybody."]
    assert answers(case, eve, order, 1.5) == []  # once a second
    assert all(map(case.knows, (ann, bob, eve)))
    assert (ann.room.host, [*ann.room.bans], ann.room.mutes, ann.room.topic) == (ann, [], {}, "")
    assert case.to_hash == []
    assert case.events == []


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize("order", [*ORDERS, "/who", "/topic"])
def test_a_relay_may_obey_no_commands(order: str) -> None:
    case = Case(moderation=False)
    ann, bob, eve = case.trio()
    assert relayed(case.say(ann, order)) == (f"ann: {order}", [home(bob), home(eve)])


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize("text", [" /kick bob", "/kicks bob", "/shrug", "/", "//kick bob", "kick bob", "/who?"])
def test_what_is_no_command_is_relayed(text: str) -> None:
    case = Case()
    ann, bob, eve = case.trio()
    assert relayed(case.say(ann, text)) == (f"ann: {text}", [home(bob), home(eve)])


@pytest.mark.requirement("MOD-01", "UDP-11")
@pytest.mark.parametrize("sanitize", [True, False])
def test_a_command_that_isnt_utf8_is_dropped_and_never_relayed(sanitize: bool) -> None:
    case = Case(sanitize=sanitize)
    ann, _, _ = case.trio()
    assert case.say(ann, b"/password \xff") is DropReason.INVALID_UTF8
    case.assert_all_is_counted()


@pytest.mark.requirement("MOD-01", "LIM-01")
def test_commands_count_as_messages_do() -> None:
    case = Case(message_rate=1.0, message_burst=3)
    ann, bob, _ = case.trio()
    for _ in range(2):
        case.say(ann, "/kick nobody")
    assert case.say(ann, "/kick bob") is DropReason.MESSAGE_RATE
    assert case.knows(bob)


@pytest.mark.requirement("MOD-01")
@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("/kick", "/kick whom? Write the name after it."),
        ("/mute  ", "/mute whom? Write the name after it."),
        ("/ban zoe:", "The user name has a colon: choose one without."),
        ("/kick zoe", "Nobody here is called zoe."),
        ("/kick ANN", "You can't /kick yourself."),
        ("/ban ann", "The host can't be banned."),
        ("/mute ann", "You can't /mute yourself."),
        ("/host ann", "You can't /host yourself."),
        ("/unban zoe", "zoe isn't banned."),
        ("/unmute bob", "bob isn't muted."),
        ("/unban", "Banned: nobody."),
    ],
)
def test_what_cant_be_is_answered_with_why(order: str, answer: str) -> None:
    case = Case()
    ann, bob, eve = case.trio()
    (said,) = answers(case, ann, order)
    assert said.startswith(answer.removesuffix(": choose one without."))
    assert all(map(case.knows, (ann, bob, eve)))


@pytest.mark.requirement("MOD-02")
def test_everybody_may_ask_who_is_there() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.moderation.mute(bob)
    case.said()
    for member in (ann, bob, eve):
        assert answers(case, member, "/who is there?") == ["3 here: ann (host), bob (muted), eve."]


@pytest.mark.needs("interpreted")
@pytest.mark.requirement("MOD-02")
@pytest.mark.parametrize("order", ["/who", "/topic", "/unban"])
def test_a_list_is_written_only_for_who_may_have_it(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case()
    ann, _, _ = case.trio()
    case.moderation.ban(ann.room, "zoe", 1.0)
    answers(case, ann, order, 1.0)
    unread = SimpleNamespace(host=ann, name="demo")  # who reads its members, bans or topic ends the test
    monkeypatch.setattr(ann, "room", unread)
    monkeypatch.setattr(case.registry, "advise", lambda _, notice, __: told.append(str(notice)))
    told: list[str] = []
    case.commands.obey(ann, Command(order[1:]), "", 1.9)
    assert told == ["You asked a moment ago: try again in a few seconds."]


@pytest.mark.requirement("MOD-02", "MOD-05")
def test_a_hundred_mutes_make_a_list_of_members_no_more_work() -> None:
    def count(mutes: int) -> int:
        case = Case()
        _, bob, _ = case.trio()
        guests = [case.join(f"guest {number}") for number in range(MAX_MUTES)]
        for guest in guests[:mutes]:
            case.moderation.mute(guest)
        for guest in guests:
            case.registry.leave(guest, 0.0)
        case.say(bob, "/topic")
        return count_steps(lambda: case.say(bob, "/who", 1.0))

    assert count(MAX_MUTES) == count(0)


@pytest.mark.requirement("MOD-02")
def test_a_long_list_takes_several_notices_and_each_a_second() -> None:
    case = Case()
    ann, _, _ = case.trio()
    names = [f"member number {number}" for number in range(997)]
    for name in names:
        case.join(name)
    case.said()
    lines = answers(case, ann, "/who", 1.0)
    assert len(lines) > 10
    assert all(len((SERVER + line).encode()) <= LIST_BYTES for line in lines)
    listed = " ".join(line.removeprefix("... ") for line in lines).removeprefix("1000 here: ")
    assert listed == ", ".join(["ann (host)", "bob", "eve", *names]) + "."
    assert answers(case, ann, "/who", 1.0 + len(lines) - 0.5) == ["You asked a moment ago: try again in a few seconds."]
    assert answers(case, ann, "/topic", 1.0 + len(lines) - 0.4) == []
    assert len(answers(case, ann, "/who", 1.0 + len(lines))) == len(lines)


@pytest.mark.requirement("MOD-02")
def test_the_longest_names_make_no_endless_list() -> None:
    case = Case()
    ann, _, _ = case.trio()
    for number in range(600):
        case.join(f"{number}" + "x" * 250)
    case.said()
    lines = answers(case, ann, "/who")
    assert len(lines) == MAX_LIST_NOTICES
    assert all(len((SERVER + line).encode()) <= LIST_BYTES for line in lines)
    listed = sum("x" in word for line in lines for word in line.split())
    assert lines[-1].endswith(f"and {600 - listed} more.")


@pytest.mark.requirement("MOD-02")
def test_no_name_makes_another_notice_of_a_list() -> None:
    case = Case()
    ann, _, _ = case.trio()
    for name in ("x joined", "y left", "ann is the host now", "z was disconnected: kicked".replace(":", "")):
        case.join(name)
        case.said()
        for order in ("/who", f"/mute {name}", f"/unmute {name}", f"/ban {name}", f"/unban {name}"):
            ann.may_ask_at = 0.0
            for line in answers(case, ann, order):
                assert isinstance(parse_notice(SERVER + line), Advice)


@pytest.mark.requirement("MOD-04")
def test_the_host_bans_and_unbans() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    cem = case.join("cem")
    assert answers(case, ann, "/ban bob") == ["bob is banned by name and address."]
    assert answers(case, ann, "/ban zoe") == ["zoe is banned by name alone."]
    assert answers(case, ann, "/unban") == ["Banned: bob, zoe."]
    with pytest.raises(BannedError):
        case.join("bob")
    assert case.knows(cem)
    assert answers(case, ann, "/unban BOB") == ["bob may come in again."]
    case.registry.join_room(b"demo", "bob", b"token", bob.ip, 1.0)


@pytest.mark.requirement("MOD-05")
def test_nobody_hears_a_muted_member_who_may_still_be_there() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    assert command(case, ann, "/mute bob") == [
        ("server: The host muted you: what you say is not relayed.", [home(bob)]),
        ("server: bob is muted; /unmute takes it back.", [home(ann)]),
    ]
    assert case.say(bob, "hello", 1.0) is DropReason.MUTED
    assert case.say(bob, "/shrug", 1.5) is DropReason.MUTED
    assert case.said() == [("server: You are muted: what you say is not relayed.", [home(bob)])]
    assert case.say(bob, "hello", 2.0) is DropReason.MUTED
    assert len(case.said()) == 1
    assert case.say(bob, b"/kick \xff", 2.0) is DropReason.INVALID_UTF8
    assert case.say(bob, "", 3.0) == NOTHING_SAID
    assert bob.session.seen_at == 3.0
    assert answers(case, bob, "/who", 3.0)
    case.said()
    assert case.registry.counters.dropped[DropReason.MUTED] == 3
    assert relayed(case.say(ann, "hi")) == ("ann: hi", [home(bob), home(eve)])
    assert case.say(bob, "/leave", 4.0) == NOTHING_SAID
    assert not case.knows(bob)
    case.assert_all_is_counted()


@pytest.mark.requirement("MOD-05")
def test_a_muted_member_may_speak_again_when_the_host_says_so() -> None:
    case = Case(message_rate=1.0, message_burst=2)
    ann, bob, eve = case.trio()
    case.moderation.mute(bob)
    case.moderation.mute(eve)
    case.said()
    assert command(case, ann, "/unmute BOB") == [
        ("server: You may speak again.", [home(bob)]),
        ("server: BOB may speak again.", [home(ann)]),
    ]
    assert relayed(case.say(bob, "thanks"))[0] == "bob: thanks"
    assert case.say(bob, "so") is DropReason.MESSAGE_RATE  # its limit is as it was
    assert case.say(eve, "and I?") is DropReason.MUTED


@pytest.mark.requirement("MOD-05", "LIM-01")
def test_who_floods_although_muted_is_evicted_like_anybody() -> None:
    case = Case(message_rate=1.0, message_burst=1)
    ann, bob, _ = case.trio()
    case.moderation.mute(bob)
    for tenth in range(20, 700):
        case.say(bob, "me! me!", tenth / 10)
    assert not case.knows(bob)
    assert events.MemberEvicted("demo", "bob", EvictionReason.ABUSE) in case.events
    assert case.knows(ann)


@pytest.mark.requirement("MOD-05", "LIM-01")
def test_what_a_muted_member_says_counts_by_its_bytes_too() -> None:
    case = Case(byte_rate=1.0)
    _, bob, _ = case.trio()
    case.moderation.mute(bob)
    reasons = [case.say(bob, "x" * 4000, 1.0) for _ in range(3)]
    assert reasons == [DropReason.MUTED, DropReason.MUTED, DropReason.BYTE_RATE]


@pytest.mark.requirement("MOD-05")
def test_a_mute_outlasts_leaving_and_coming_back() -> None:
    case = Case()
    ann, bob, _ = case.trio()
    case.moderation.mute(bob)
    case.registry.leave(bob, 1.0)
    again = case.join("Bob", now=1.0)
    assert case.say(again, "hello", 1.0) is DropReason.MUTED
    assert answers(case, ann, "/unmute bob") == ["bob may speak again."]
    assert relayed(case.say(again, "hello", 1.0))[0] == "Bob: hello"


@pytest.mark.requirement("MOD-05")
def test_who_was_not_heard_yet_can_be_muted() -> None:
    case = Case()
    ann, _, _ = case.trio()
    zoe, cem = case.join("zoe"), case.join("cem")
    case.moderation.mute(zoe)
    case.moderation.mute(cem)
    case.moderation.unmute(ann.room, "cem")
    assert case.say(zoe, "hello") is DropReason.MUTED
    assert relayed(case.say(cem, "hello"))[0] == "cem: hello"


@pytest.mark.requirement("MOD-05")
def test_mutes_are_bounded() -> None:
    case = Case()
    ann, bob, eve = case.trio()
    case.moderation.mute(bob)
    with pytest.raises(ModerationError, match="already"):
        case.moderation.mute(bob)
    with pytest.raises(ModerationError, match="host"):
        case.moderation.mute(ann)
    for number in range(MAX_MUTES - 1):
        case.moderation.mute(case.join(f"guest {number}"))
    with pytest.raises(ModerationError, match=str(MAX_MUTES)):
        case.moderation.mute(eve)


@pytest.mark.requirement("MOD-01", "CON-02")
def test_a_command_adds_no_copies_to_the_books() -> None:
    case = Case()
    ann, _, _ = case.trio()
    before = dict(case.registry.counters.fanout)
    for order in (*ORDERS, "/who", "/topic"):
        case.say(ann, order)
    assert case.registry.counters.fanout == before


def test_who_shares_its_address_with_the_host_is_told_apart() -> None:
    case = Case()
    ann = case.create("ann", ip="192.0.2.1")
    bob = case.join("bob", ip="192.0.2.1")
    case.say(ann)
    assert network_of(ann.ip) == network_of(bob.ip)
    case.said()
    case.say(ann, "/ban bob")
    assert case.said()[-1] == ("server: bob is banned by name alone.", [home(ann)])


@pytest.mark.requirement("MOD-04")
def test_who_stays_although_its_address_is_banned_is_told_that_it_is_there() -> None:
    case = Case()
    ann = case.create("ann")
    case.join("bob", ip="192.0.2.1")
    case.join("eve", ip="192.0.2.1")
    case.moderation.ban(ann.room, "eve", 1.0)
    with pytest.raises(NameTakenError):
        case.join("bob", ip="192.0.2.1")
