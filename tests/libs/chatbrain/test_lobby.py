"""The lobby's brain, told by a clock of plain floats."""

from math import inf

import pytest

from chatbrain import (
    BindDatagram,
    CloseDatagram,
    LobbyBrain,
    LookUp,
    MessageTooLongError,
    RejoinPolicy,
    SendDatagram,
    Stage,
)
from chatbrain.events import Ended, EndReason, Joined, Message, Rebound, Reconnecting, Rejoined
from chatbrain.findings import Fault, Finding
from chatproto import Challenge, Disconnected, EvictionReason, Topic, encode_lobby

KEEP_ALIVE = SendDatagram(b"\x03ann")


def fresh(policy: RejoinPolicy | None = None) -> LobbyBrain:
    return LobbyBrain("ann", server="relay:9002", random=lambda: 1.0, rejoin=policy)


def start(brain: LobbyBrain, addresses: int = 1) -> None:
    brain.start(0.0)
    assert brain.take_actions() == [LookUp()]
    brain.resolved(addresses, 0.0)


def entered(policy: RejoinPolicy | None = None) -> LobbyBrain:
    brain = fresh(policy)
    start(brain)
    brain.tick(brain.next_deadline())
    brain.take_actions()
    brain.take_events()
    return brain


@pytest.mark.requirement("LOB-02")
def test_one_is_in_when_nothing_speaks_against_it() -> None:
    brain = fresh()
    start(brain)
    assert brain.take_actions() == [BindDatagram(9002, 0), KEEP_ALIVE]
    assert brain.take_events() == []
    brain.tick(0.3)
    assert brain.take_events() == [Joined(None, "ann", False, 4096 - 4, None, heard=False)]
    assert brain.stage is Stage.CHATTING


def test_a_word_from_the_lobby_is_proof_enough() -> None:
    brain = fresh()
    start(brain)
    brain.receive_datagram(encode_lobby(b"bob", b"hi"), 0.1)
    joined, message = brain.take_events()
    assert joined == Joined(None, "ann", False, 4096 - 4, None)
    assert message == Message("bob", "hi", b"\x03bobhi", 0.1)


def test_each_address_is_tried_until_somebody_listens() -> None:
    brain = fresh()
    start(brain, addresses=2)
    brain.take_actions()
    brain.datagram_error(0.1)
    assert brain.take_actions() == [CloseDatagram(), BindDatagram(9002, 1), KEEP_ALIVE]
    brain.datagram_error(0.2)
    (ended,) = brain.take_events()
    assert isinstance(ended, Ended)
    assert ended.reason is EndReason.UNREACHABLE
    assert "relay:9002 (no lobby is at this port)" in ended.text
    assert "9002 by default" in ended.text
    assert brain.next_deadline() == inf


def test_an_unknown_host_name_ends_it() -> None:
    brain = fresh()
    brain.start(0.0)
    brain.unresolved(Finding(Fault.UNKNOWN_HOST, "the host name isn't known"), 0.1)
    (ended,) = brain.take_events()
    assert isinstance(ended, Ended)
    assert "the host name isn't known" in ended.text


@pytest.mark.requirement("LOB-01")
def test_messages_go_out_and_come_in_with_the_name() -> None:
    brain = entered()
    assert brain.say("hello", 1.0)
    assert brain.take_actions() == [SendDatagram(b"\x03annhello")]
    brain.receive_datagram(encode_lobby(b"b\x1bb", b"h\ni"), 1.0)
    (message,) = brain.take_events()
    assert message == Message("b\ufffdb", "h\u23cei", b"\x03b\x1bbh\ni", 1.0)


def test_a_message_too_long_is_refused() -> None:
    brain = entered()
    assert brain.say("x" * 4092, 1.0)
    with pytest.raises(MessageTooLongError):
        brain.say("x" * 4093, 1.0)


@pytest.mark.parametrize("junk", [b"", b"\0", b"\x09ab"])
def test_junk_is_ignored(junk: bytes) -> None:
    brain = entered()
    brain.receive_datagram(junk, 1.0)
    assert brain.take_events() == []


@pytest.mark.requirement("LOB-04")
def test_an_evicted_client_enters_again() -> None:
    brain = entered()
    brain.receive_datagram(encode_lobby(b"server", b"disconnected: silence"), 10.0)
    silence = EvictionReason.SILENCE
    cause = Ended(EndReason.EVICTED, silence.message, eviction=silence)
    assert brain.take_events() == [Disconnected(silence), Reconnecting(cause, 0.5, 1)]
    assert not brain.say("lost", 10.1)
    brain.receive_datagram(encode_lobby(b"bob", b"late"), 10.2)
    brain.datagram_error(10.2)
    assert brain.take_events() == []
    brain.tick(10.5)
    brain.resolved(1, 10.5)
    brain.tick(10.8)
    assert brain.take_events() == [Rejoined(False, False, 4092, heard=False)]


def test_an_abuser_doesnt_come_back() -> None:
    brain = entered()
    brain.receive_datagram(encode_lobby(b"server", b"disconnected: abuse"), 10.0)
    assert isinstance(brain.take_events()[-1], Ended)


def test_a_relay_that_goes_away_is_waited_for() -> None:
    brain = entered(RejoinPolicy(max_attempts=1))
    brain.datagram_error(10.0)
    brain.tick(10.5)
    brain.resolved(1, 10.5)
    brain.datagram_error(10.6)
    waiting, ended = brain.take_events()
    assert isinstance(waiting, Reconnecting)
    assert waiting.cause == ended


def test_in_long_silence_it_speaks_from_new_ports_ever_less_often() -> None:
    brain = entered()
    rebound: list[float] = []
    while len(rebound) < 3:
        now = brain.next_deadline()
        brain.tick(now)
        rebound += [now for event in brain.take_events() if event == Rebound()]
    assert rebound == pytest.approx([45.3, 135.3, 315.3])


def test_what_is_heard_puts_the_doubt_off() -> None:
    brain = entered()
    for now in (30.0, 60.0):
        brain.receive_datagram(encode_lobby(b"bob", b"hi"), now)
        brain.tick(now + 44.9)
    assert Rebound() not in brain.take_events()
    brain.tick(105.0)
    assert Rebound() in brain.take_events()


def test_who_falls_silent_says_nothing_until_the_next_word() -> None:
    brain = entered()
    brain.fall_silent()
    brain.datagram_error(1.0)
    assert brain.next_deadline() == inf
    brain.keep_alive(2.0)
    assert brain.take_actions() == [KEEP_ALIVE]
    assert brain.next_deadline() == 24.0


def test_leaving_says_nothing_because_the_lobby_knows_no_word_for_it() -> None:
    brain = entered()
    brain.leave()
    assert brain.take_actions() == [CloseDatagram()]
    assert brain.take_events() == [Ended(EndReason.LEFT, "You left.")]


@pytest.mark.requirement("EVI-03")
def test_a_challenge_is_answered_by_a_keep_alive_and_shown_to_nobody() -> None:
    brain = entered()
    challenge = encode_lobby(b"server", str(Challenge("0123456789abcdef")).encode())
    brain.receive_datagram(challenge, 10.0)
    assert (brain.take_actions(), brain.take_events()) == ([KEEP_ALIVE], [])
    brain.fall_silent()
    brain.receive_datagram(challenge, 20.0)
    assert (brain.take_actions(), brain.take_events()) == ([], [])
    brain.receive_datagram(encode_lobby(b"bob", str(Challenge("0123456789abcdef")).encode()), 30.0)
    assert (brain.take_actions(), len(brain.take_events())) == ([], 1)


def test_the_lobby_obeys_no_commands_and_says_them_like_any_text() -> None:
    brain = entered()
    assert not brain.command("/who", 1.0)
    brain.say("/who", 1.0)
    assert brain.take_actions() == [SendDatagram(b"\x03ann/who")]


def test_after_all_addresses_failed_it_begins_at_the_first_again() -> None:
    brain = fresh()
    start(brain, addresses=2)
    brain.datagram_error(0.1)
    brain.tick(0.4)  # somebody listens at the second
    brain.take_actions()
    brain.datagram_error(10.0)
    bound = []
    for _ in range(2):
        now = brain.next_deadline()
        brain.tick(now)
        brain.resolved(2, now)
        for _ in range(2):
            bound += [action.address for action in brain.take_actions() if isinstance(action, BindDatagram)]
            brain.datagram_error(now)
    assert bound == [0, 1, 0, 1]


def test_the_name_is_asked_anew_at_each_attempt() -> None:
    brain = entered()
    brain.datagram_error(10.0)
    brain.take_actions()
    brain.tick(10.5)
    assert (brain.take_actions(), brain.next_deadline()) == ([LookUp()], inf)
    brain.unresolved(Finding(Fault.UNKNOWN_HOST, "the host name isn't known"), 11.0)
    assert isinstance(brain.take_events()[-1], Reconnecting)
    brain.tick(brain.next_deadline())
    assert brain.take_actions() == [LookUp()]


def bindings(brain: LobbyBrain, until: float) -> list[tuple[float, int]]:
    """Return when a brain speaks to which address from then on."""
    found = []
    while (now := brain.next_deadline()) <= until:
        brain.tick(now)
        found += [(now, action.address) for action in brain.take_actions() if isinstance(action, BindDatagram)]
    return found


def test_each_address_is_spoken_to_while_nothing_is_heard() -> None:
    brain = fresh()
    start(brain, addresses=2)
    brain.take_actions()
    assert bindings(brain, 15.0) == [(2.3, 1), (6.3, 0), (14.3, 1)]
    brain.receive_datagram(encode_lobby(b"bob", b"hi"), 15.0)
    assert bindings(brain, 65.0) == [(60.0, 1)]


def test_who_speaks_again_is_doubted_again_when_nothing_is_heard() -> None:
    brain = entered()
    brain.fall_silent()
    brain.say("back", 100.0)
    brain.tick(145.0)
    assert brain.take_events() == [Rebound()]


def test_other_notices_are_told() -> None:
    brain = entered()
    brain.receive_datagram(encode_lobby(b"server", str(Topic("tea")).encode()), 1.0)
    assert brain.take_events() == [Topic("tea")]
