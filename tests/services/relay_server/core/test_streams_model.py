"""Streams against a naive model, over random histories; STREAM_HISTORIES=10000 tries more of them."""

import os

import pytest

from services.relay_server.core.stream_histories import History

HISTORIES = int(os.environ.get("STREAM_HISTORIES", "300"))
BLOCKS = 10


@pytest.mark.slow
@pytest.mark.requirement("STR-03", "STR-05", "STR-08")
@pytest.mark.timeout(60 + HISTORIES / 10)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_what_was_taken_reaches_everybody_once_and_in_one_order_or_is_told_as_gone(block: int) -> None:
    for seed in range(block, HISTORIES, BLOCKS):
        try:
            History(seed).run()
        except AssertionError as error:
            error.add_note(f"It is the history of seed {seed}.")
            raise
