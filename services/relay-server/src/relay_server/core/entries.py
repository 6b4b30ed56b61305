"""How a message gets its place in a room's ring, whoever said it (STR-03)."""

from chatproto.stream import encode_entry, encode_took
from relay_server.core.counters import StreamCounters
from relay_server.core.model import Member
from relay_server.core.ring import Ring


def add_message(ring: Ring, member: Member, payload: bytes, n: int, counters: StreamCounters, *, names: bool) -> None:
    """Give what datagrams carry as ``payload`` a place in the ring; to its member it is its number, if it has one.

    ``names`` tells whether the relay says who says something (UDP-05).
    """
    seq, reader = ring.seq + 1, member.session.reader
    line = encode_entry(seq, *(_split(member, payload) if names else ("", payload.decode(errors="replace"))))
    ring.add(line, member, encode_took(n, seq) if n else b"", is_message=True)
    others = len(ring.readers)
    if reader is not None and reader.has_started:
        reader.note_own(n)
        others -= 1
    counters.fanout[others] += 1


def _split(member: Member, payload: bytes) -> tuple[str, str]:
    """Return who says something, and what: it may have begun with its own name, spaces and a colon (UDP-05)."""
    attribution, raw_name = member.attribution, member.raw_name
    if payload.startswith(attribution):
        text = payload[len(attribution) :]
    else:
        text = payload[len(raw_name) :].partition(b":")[2].removeprefix(b" ")
    return member.name, text.decode(errors="replace")
