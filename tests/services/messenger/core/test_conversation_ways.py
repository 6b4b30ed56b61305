"""By what a room's chat travels, and what a person sees of that."""

from math import inf

import pytest

from chatbrain import DeliveryState, Tls, Transport
from chatproto import (
    Server,
)
from chatproto.stream import encode_bye, encode_entry, encode_gone
from messenger.core.facts import Presence
from messenger.core.history import Kind
from messenger.core.listing import AGAIN_SECONDS, LIST_SECONDS
from services.messenger.core.fake_relay import SHOWN, Case, at, entry, states, texts


def test_words_over_a_stream_fare_as_others_do_and_what_is_lost_has_its_line() -> None:
    case = Case()
    case.relay.streams = True
    room = case.messenger.enter(entry(tls=Tls(fingerprint=SHOWN)))
    assert texts(room.history.since(0))[-1] == "The chat is encrypted on its way to the relay."
    case.messenger.submit(room, "hello")
    assert states(room) == [DeliveryState.TAKEN]
    (wire,) = case.relay.wires
    asked = case.relay.words.count("/who")
    wire.deliver(encode_gone(3, 5) + encode_entry(6, "bob", "hi") + encode_gone())
    lines = [(line.kind, line.text) for line in room.history.since(room.history.end - 3)]
    assert lines == [
        (Kind.NOTICE, "3 messages were lost here."),
        (Kind.MESSAGE, "hi"),
        (Kind.NOTICE, "Messages were lost here."),
    ]
    assert case.relay.words.count("/who") == asked  # the list that was asked for just now will do
    case.links.pass_time(LIST_SECONDS)
    wire.deliver(encode_gone(7, 7) + encode_gone(8, 8))
    assert case.relay.words.count("/who") == asked + 1


@pytest.mark.requirement("CLU-05", "CLU-06")
def test_a_room_that_moves_is_a_line_and_its_members_are_asked_for_again_and_again() -> None:
    case = Case()
    case.relay.streams = True
    case.relay.servers = (Server("relay:9000"), Server("next:9000"))
    room = case.messenger.enter(entry(transport=Transport.STREAM))
    case.links.pass_time(LIST_SECONDS)
    asked, before, (wire,) = case.relay.words.count("/who"), room.history.end, case.relay.wires
    case.relay.servers = case.relay.servers[::-1]
    wire.deliver(encode_bye("moved", "The room moved."))
    before_it_asked, pause = room.presence, case.messenger.retry_seconds(room)
    assert (before_it_asked, pause) == (Presence.RETURNING, inf)
    case.links.pass_time(1.0)
    assert room.presence is Presence.HERE
    assert texts(room.history.since(before)) == ["Moved to another server."]
    assert case.relay.words.count("/who") == asked + 1
    assert case.trust.known == {}
    case.links.pass_time(AGAIN_SECONDS)
    case.relay.wires[-1].deliver(encode_entry(9, "bob", "hi"))
    assert case.relay.words.count("/who") == asked + 2
    case.relay.wires[-1].deliver(encode_entry(10, "bob", "hi"))
    assert case.relay.words.count("/who") == asked + 2


def test_that_udp_is_silent_is_said_once_and_a_stream_carries_on() -> None:
    case = Case()
    case.relay.streams, case.relay.answers = True, False
    room = case.messenger.enter(entry())
    case.links.pass_time(3.0)
    case.messenger.submit(room, "hello")
    assert states(room) == [DeliveryState.TAKEN]
    case.relay.wires[-1].end()
    case.links.pass_time(60.0)
    said = [text for text in texts(room.history.since(0)) if "UDP" in text]
    assert said == ["Nothing is heard over UDP: from now on the chat goes over TCP. It is not encrypted."]
    assert not room.contact.encrypted


@pytest.mark.parametrize("transport", [None, *Transport])
def test_an_entry_or_the_program_says_by_what_a_chat_travels(transport: Transport | None) -> None:
    case = Case()
    case.relay.streams = True
    case.messenger.enter(entry(transport=transport))
    assert bool(case.relay.wires) is (transport is Transport.STREAM)
    case = Case()
    case.relay.streams = True
    case.messenger.transport = transport
    case.messenger.enter(entry())
    case.messenger.enter(entry("other", transport=Transport.UDP))
    assert len(case.relay.wires) == (transport is Transport.STREAM)


def test_without_the_stream_that_must_be_nothing_is_said() -> None:
    case = Case()
    room = case.messenger.enter(entry(transport=Transport.STREAM))
    assert at(room, Presence.OVER)
    assert texts(room.history.since(0))[-1] == (
        "The relay at relay.example:9000 doesn't carry the chat over TCP: nothing was said."
    )
    assert (case.relay.heard, case.relay.given_back) == ([], 1)
