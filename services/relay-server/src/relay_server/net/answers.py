"""Answers to numbered messages, in one piece with the messages that their members get anyway (RCP-04).

Whoever speaks while others do gets a GSO batch of its own: what the others said. The last datagram of a batch may be
shorter than the others, and an answer nearly always is, so it travels there for next to nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeAlias, cast

from relay_server.core.receipts import Receipt
from relay_server.net.address import ADDRESS_BYTES, TARGET_BYTES, UdpAddress, target_of
from relay_server.net.fanout import GsoBatch, Said, divide, has_room

_Answer: TypeAlias = tuple[UdpAddress, bytes]


def with_answers(batches: Sequence[GsoBatch], receipts: Sequence[Receipt], *, together: bool) -> list[GsoBatch]:
    """Return batches of messages and the answers, those that fit no batch of their member after all messages.

    If not ``together``, each answer is a batch of its own.
    """
    answers = cast("Sequence[_Answer]", receipts)
    if not together:
        return [*batches, *((answer, target_of(address), 0) for address, answer in answers)]
    firsts = dict(reversed(answers))
    more = [] if len(firsts) == len(answers) else _but_firsts(answers)
    laid_out: list[GsoBatch] = []
    for batch in batches:
        text, row, segment = batch
        if len(row) == TARGET_BYTES and (answer := firsts.get(address := row[:ADDRESS_BYTES])) is not None:
            size = segment or len(text)
            if len(answer) <= size and has_room(len(text), size):
                del firsts[address]
                laid_out.append((text + answer, row, size))
                continue
        laid_out.append(batch)
    return laid_out + _by_themselves(chain(firsts.items(), more))


def _but_firsts(answers: Iterable[_Answer]) -> Iterator[_Answer]:
    """Yield each answer but every member's first one."""
    seen = set[UdpAddress]()
    for address, answer in answers:
        if address in seen:
            yield address, answer
        seen.add(address)


def _by_themselves(answers: Iterable[_Answer]) -> list[GsoBatch]:
    """Lay out answers that go with no message: those to one member together."""
    answers_of: defaultdict[UdpAddress, list[Said]] = defaultdict(list)
    for address, answer in answers:
        answers_of[address].append((answer, 0))
    return [
        (b"".join([answer for answer, _ in run]), target_of(address), len(run[0][0]) if len(run) > 1 else 0)
        for address, own in answers_of.items()
        for run in divide(own)
    ]
