"""How a message gets its place in a room's ring, whoever said it (STR-03)."""

from chatproto.stream import encode_entry, encode_took
from relay_server.core.counters import StreamCounters
from relay_server.core.model import Member
from relay_server.core.ring import Ring


def add_message(ring: Ring, member: Member, payload: bytes, n: int, counters: StreamCounters) -> None:
    """Give what datagrams carry as ``payload`` a place in the ring; to its member it is its number, if it has one."""
    seq, reader = ring.seq + 1, member.session.reader
    line = encode_entry(seq, *_split(member, payload))
    ring.add(line, member, encode_took(n, seq) if n else b"", is_message=True)
    others = len(ring.readers)
    if reader is not None and reader.has_started:
        reader.note_own()
        others -= 1
    counters.fanout[others] += 1


def _split(member: Member, payload: bytes) -> tuple[str, str]:
    """Return who says something, and what; nobody knows who if the payload doesn't tell (UDP-05)."""
    attribution = member.attribution
    if payload.startswith(attribution):
        return member.name, payload[len(attribution) :].decode(errors="replace")
    raw_name = member.raw_name
    if payload.startswith(raw_name):  # it began with its own name, and spaces or a colon without one may follow
        _, colon, text = payload[len(raw_name) :].partition(b":")
        if colon:
            return member.name, text.removeprefix(b" ").decode(errors="replace")
    return "", payload.decode(errors="replace")
