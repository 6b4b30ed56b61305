"""Inputs made of others, without any guide: what every machine can try for a moment."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

MAX_CHANGES: Final = 4


def mutate(inputs: Sequence[bytes], words: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Yield inputs without end: each one of those given, changed in a few places."""
    while True:
        data = bytearray(chance.choice(inputs))
        for _ in range(chance.randint(1, MAX_CHANGES)):
            _change(data, inputs, words, chance)
        yield bytes(data)


def _change(data: bytearray, inputs: Sequence[bytes], words: Sequence[bytes], chance: random.Random) -> None:
    start, end = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    match chance.randrange(6):
        case 0:  # some bytes are others
            data[start : start + 4] = chance.randbytes(len(data[start : start + 4]))
        case 1:  # one bit is another
            if start < len(data):
                data[start] ^= 1 << chance.randrange(8)
        case 2:  # something is missing
            del data[start:end]
        case 3:  # something comes twice
            data[end:end] = data[start:end]
        case 4:  # a word stands in it
            data[start:start] = chance.choice(words)
        case _:  # it goes on like another one
            other = chance.choice(inputs)
            data[start:] = other[chance.randint(0, len(other)) :]
