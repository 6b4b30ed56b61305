"""How events read, and that reading them is safe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatclient import (
    Advice,
    Disconnected,
    Ended,
    EndReason,
    Event,
    EvictionReason,
    HostChanged,
    Joined,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    Message,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
    Topic,
)
from messenger.wording import describe


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Message("bob", "hi", b"", 0.0), "bob: hi"),
        (Message(None, "hi", b"", 0.0), "hi"),
        (MemberJoined("bob"), "bob joined"),
        (MemberLeft("bob"), "bob left"),
        (HostChanged("bob"), "bob is the host now"),
        (Topic("tea"), "topic: tea"),
        (
            MemberEvicted("bob", EvictionReason.NEVER_CONNECTED),
            "bob was disconnected (never connected)",
        ),
        (Advice("slow down"), "slow down"),
        (Joined(None, "ann", False, 1, None), "You are in the lobby as ann."),
        (Joined("demo", "ann", False, 1, None), "You are in demo as ann."),
        (
            Joined("demo", "ann", True, 1, None),
            "You created demo and are its host, as ann: it closes when you leave.",
        ),
        (Rejoined(True, True, 1), "You are back; you may have missed something."),
        (Rejoined(False, False, 1), "You are back; you may have missed something."),
        (Rejoined(False, True, 1), "You are back, but somebody else is the host now."),
        (Recovered(), "The relay answers again."),
        (Reconnecting(Ended(EndReason.EVICTED, "Why."), 2.6, 3), "Why. Trying again in 3 s (attempt 3)."),
        (Disconnected(EvictionReason.SILENCE), None),
        (Rebound(), None),
        (Ended(EndReason.LEFT, "You left."), None),
    ],
)
def test_each_event_has_its_line(event: Event, line: str | None) -> None:
    assert describe(event) == line


@given(st.text(), st.text())
def test_no_line_moves_a_cursor(sender: str, text: str) -> None:
    for event in (
        Message(sender, text, b"", 0.0),
        MemberJoined(text),
        Advice(text),
        Reconnecting(Ended(EndReason.REFUSED, text), 1, 1),
    ):
        line = describe(event)
        assert line is not None
        assert not [char for char in line if char in "\x1b\x07\r\n\x9b\u202e\u2066"]
