"""Numbers that documents name are those of the code."""

import pytest

from chatclient.brain.base import DEAF_SECONDS, MAX_DEAF_SECONDS
from chatclient.brain.room import REBOUND_PATIENCE_SECONDS
from docs.markdown import read
from relay_server.app import DRAIN_SECONDS, TICK_SECONDS
from relay_server.core.address import ADDRESS_BYTES, TARGET_BYTES
from relay_server.core.reachability import FAILING_SECONDS, FAILURES_TO_EVICT
from relay_server.net.batch import SEND_BATCH, WAIT_FOR_ROOM_MILLISECONDS
from relay_server.net.udp import COPIES_A_TURN

HALF = {0.5: "half a second"}


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("docs/architecture.md", f"without the sender's {TARGET_BYTES} bytes"),
        ("docs/architecture.md", f"up to {SEND_BATCH} a call"),
        ("docs/architecture.md", f"After some {COPIES_A_TURN} copies"),
        (
            "docs/architecture.md",
            f"at least {FAILURES_TO_EVICT} different messages over at least {FAILING_SECONDS:g} s",
        ),
        ("docs/architecture.md", f"at most {HALF[TICK_SECONDS]}"),
        ("docs/architecture.md", f"status 12 for {HALF[DRAIN_SECONDS]}"),
        ("docs/architecture.md", f"for {DEAF_SECONDS:g} s: new local port"),
        ("docs/adr/0001-addresses-in-the-kernels-layout.md", f"an address is {ADDRESS_BYTES} bytes"),
        ("docs/adr/0002-the-send-buffer-is-the-queue.md", f"at most {WAIT_FOR_ROOM_MILLISECONDS} ms"),
        ("docs/adr/0005-liveness-by-joining-again.md", f"heard nothing for {DEAF_SECONDS:g} s"),
        ("docs/adr/0005-liveness-by-joining-again.md", f"After {REBOUND_PATIENCE_SECONDS:g} s more"),
        ("docs/adr/0005-liveness-by-joining-again.md", f"up to {MAX_DEAF_SECONDS / 60:g} minutes"),
        ("docs/adr/0007-rows-of-addresses.md", f"{TARGET_BYTES} for each"),
        ("docs/adr/0007-rows-of-addresses.md", f"takes up to {SEND_BATCH} of them"),
        ("docs/adr/0007-rows-of-addresses.md", f"{COPIES_A_TURN} copies"),
    ],
)
def test_the_number_is_the_codes(name: str, phrase: str) -> None:
    assert phrase in " ".join(read(name).split())
