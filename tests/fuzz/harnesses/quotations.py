"""ICMP errors' quotations against what was sent: only what was sent lately is believed (EVI-03)."""

from typing import Final

from fuzz.bites import Bites, piece
from relay_server.core.reachability import FAILING_SECONDS, FAILURES_TO_EVICT, Failures, SentLog

PAUSES: Final = (0.0, 0.04, 1.0, 5.0, 11.0, 61.0)
MAX_STEPS: Final = 30

SEEDS: Final = (
    b"\0" + piece(b"hello") + b"\1\0\3\0\2\1\0" + piece(b"hello!") + b"\1\0",
    b"".join(b"\0" + piece(b"message %d" % number) + b"\2\4\1\0" for number in range(4)),
    b"\0" + piece(b"x" * 80) + b"\1\1" + piece(b"x" * 79) + b"\1\1" + piece(b"x" * 64) + b"\1\1" + piece(b"x" * 63),
)
WORDS: Final = (b"hello", b"message")


def check(data: bytes) -> None:
    bites = Bites(data)
    log, failures = SentLog(), Failures()
    sent: list[bytes] = []
    noted: dict[int, float] = {}
    now = 1.0
    for _ in range(MAX_STEPS):
        step = bites.byte() % 3
        if step == 0:
            sent.append(bites.piece())
            log.remember(sent[-1])
        elif step == 1:
            quoted = bites.piece() if bites.byte() % 2 or not sent else sent[-1 - bites.byte() % len(sent)]
            sequence = log.find(quoted)
            if sequence is not None:
                assert any(one[:64] == quoted[:64] for one in sent), "what was never sent is believed"
                noted.setdefault(sequence, now)
                if failures.note(sequence, now):
                    assert len(noted) >= FAILURES_TO_EVICT
                    assert now - min(noted.values()) >= FAILING_SECONDS
        else:
            now += bites.pick(PAUSES)
