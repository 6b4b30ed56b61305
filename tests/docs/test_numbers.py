"""The numbers in the documents match the code."""

import pytest

from chatbrain.liveness import DEAF_SECONDS, MAX_DEAF_SECONDS, REBOUND_SECONDS
from chatproto.constants import MAX_TOPIC_BYTES
from chatproto.notice_parts import LIST_BYTES, MAX_LIST_NOTICES
from chatproto.receipts import MAX_NUMBER
from chatproto.servers import MAX_ADDRESS_CHARACTERS, MAX_SERVERS
from chatproto.stream import MAX_LINE_BYTES, STREAM_WINDOW
from docs.markdown import read
from relay_server.cluster.node import BEAT_SECONDS
from relay_server.cluster.nodes import MAX_AGE_SECONDS, MAX_BEAT_BYTES
from relay_server.core.admission import NEW_PASSWORDS_BURST_SECONDS, NEW_PASSWORDS_PER_GUESS
from relay_server.core.guesses import AT_ONCE, KEPT, MISTAKES, ROOM_FACTOR, SPARED_MINUTES
from relay_server.core.homing import MAX_CALLS
from relay_server.core.model import MAX_KICKED
from relay_server.core.moderation import MAX_BANS, MAX_MUTES
from relay_server.core.nodes import ANSWER_SECONDS, DOUBT_SECONDS, LATE_SECONDS, SILENT_SECONDS
from relay_server.core.reachability import (
    CHALLENGE_SECONDS,
    FAILING_CHALLENGE_SECONDS,
    FAILING_SECONDS,
    FAILURES_TO_EVICT,
    HEARD_SECONDS,
    MAX_CHALLENGE_SECONDS,
)
from relay_server.core.reader import MAX_UNREAD_BYTES
from relay_server.core.returning import HALT_SECONDS
from relay_server.core.ring import MAX_BYTES, MAX_ENTRIES
from relay_server.core.streams import PATIENCE_SECONDS, PING_SECONDS
from relay_server.core.tickets import MAX_CHARACTERS
from relay_server.lifecycle import DRAIN_SECONDS, HAND_OVER_SECONDS, TICK_SECONDS
from relay_server.net.address import ADDRESS_BYTES, TARGET_BYTES
from relay_server.net.batch import SEND_BATCH, WAIT_FOR_ROOM_MILLISECONDS
from relay_server.net.crowds import CROWD, SLICE_COPIES
from relay_server.net.hello import MAX_HELLO_BYTES
from relay_server.net.link_port import (
    HELLO_SECONDS,
    MAX_LINKS_PER_ADDRESS,
    MAX_UNPROVEN,
    MAX_UNPROVEN_PER_ADDRESS,
    MAX_WIRE_BYTES,
    REFUSALS_AT_ONCE,
)
from relay_server.net.streams import LINES_A_TURN, PAUSE_SECONDS, READERS_A_TURN
from relay_server.net.udp import COPIES_A_TURN
from relay_server.net.workers import MAX_WAITING, MAX_WAITING_PER_NETWORK, THREADS
from relay_server.passwords import MEMORY_KIB, PASSES
from relay_server.settings import Settings

GUESSES_PER_MINUTE = Settings.model_fields["password_guesses_per_minute"].default
NEW_PASSWORDS_A_MINUTE = NEW_PASSWORDS_PER_GUESS * GUESSES_PER_MINUTE
WORDS = {2: "two", 4: "four", 5: "five", 10: "ten"}
HALF = {0.5: "half a second", 0.25: "a quarter of a second"}


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("docs/architecture.md", f"without the sender's {TARGET_BYTES} bytes"),
        ("docs/architecture.md", f"up to {SEND_BATCH} a call"),
        ("docs/architecture.md", f"After some {COPIES_A_TURN} copies"),
        ("docs/architecture.md", f"more than {CROWD} listeners"),
        ("docs/architecture.md", f"slices of {SLICE_COPIES} copies"),
        ("docs/limits.md", f"more than {CROWD} listeners | in slices of {SLICE_COPIES} copies"),
        (
            "docs/architecture.md",
            f"at least {FAILURES_TO_EVICT} different ones over at least {FAILING_SECONDS:g} s",
        ),
        ("docs/architecture.md", f"At most {LINES_A_TURN} lines of a connection are judged in a turn"),
        ("docs/architecture.md", f"isn't read for {HALF[PAUSE_SECONDS]}"),
        ("docs/architecture.md", f"At most {READERS_A_TURN} readers are written to in a turn"),
        ("docs/architecture.md", f"asks every {PING_SECONDS:g} s whether they are there"),
        ("docs/architecture.md", f"at most {HALF[TICK_SECONDS]}"),
        ("docs/architecture.md", f"status 12 for {HALF[DRAIN_SECONDS]}"),
        ("docs/architecture.md", f"for {DEAF_SECONDS:g} s: new local port"),
        ("docs/architecture.md", f"said every {BEAT_SECONDS:g} s by core NATS"),
        ("docs/architecture.md", f"its last beat is {SILENT_SECONDS:g} s old."),
        ("docs/architecture.md", f"missed its beats for {DOUBT_SECONDS:g} s, it is asked"),
        ("docs/architecture.md", f"the probe waits until the last beat is {SILENT_SECONDS:g} s old"),
        ("docs/architecture.md", f"answer a **probe** within {ANSWER_SECONDS:g} s"),
        ("docs/architecture.md", f"for {HALT_SECONDS:g} s at most, nothing that is said"),
        ("docs/architecture.md", f"Its rooms move to other nodes, for {HAND_OVER_SECONDS:g} s at most"),
        (
            "docs/limits.md",
            f"{MAX_UNPROVEN} in all, {MAX_UNPROVEN_PER_ADDRESS} of one address; {HELLO_SECONDS:g} s for",
        ),
        ("docs/limits.md", f"at most {MAX_HELLO_BYTES >> 10} KiB, {MAX_WIRE_BYTES >> 10} KiB with the handshake"),
        ("docs/limits.md", f"| {MAX_LINKS_PER_ADDRESS:,}; each carries one client"),
        ("docs/limits.md", f"after {REFUSALS_AT_ONCE} such links"),
        ("docs/limits.md", f"fewer than {MAX_CHARACTERS:,} characters, all proved"),
        ("docs/limits.md", f"for which nobody waits | {MAX_CALLS} at once"),
        ("docs/limits.md", f"silent for {SILENT_SECONDS:g} s, and doesn't answer a probe within {ANSWER_SECONDS:g} s"),
        ("docs/limits.md", f"wasn't {LATE_SECONDS:g} s late"),
        ("docs/limits.md", f"| A beat | {MAX_BEAT_BYTES >> 10} KiB, at most {MAX_AGE_SECONDS:g} s old"),
        ("docs/limits.md", f"| {MAX_SERVERS}, of {MAX_ADDRESS_CHARACTERS} characters each"),
        ("docs/adr/0001-addresses-in-the-kernels-layout.md", f"an address is {ADDRESS_BYTES} bytes"),
        ("docs/adr/0002-the-send-buffer-is-the-queue.md", f"at most {WAIT_FOR_ROOM_MILLISECONDS} ms"),
        ("docs/adr/0005-liveness-by-joining-again.md", f"heard nothing for {DEAF_SECONDS:g} s"),
        ("docs/adr/0005-liveness-by-joining-again.md", f"After {REBOUND_SECONDS:g} s more"),
        ("docs/adr/0005-liveness-by-joining-again.md", f"up to {MAX_DEAF_SECONDS / 60:g} minutes"),
        ("docs/adr/0007-rows-of-addresses.md", f"{TARGET_BYTES} for each"),
        ("docs/adr/0007-rows-of-addresses.md", f"takes up to {SEND_BATCH} of them"),
        ("docs/adr/0007-rows-of-addresses.md", f"{COPIES_A_TURN} copies"),
        ("docs/adr/0009-passwords-aside.md", f"{MEMORY_KIB // 1024} MiB and {WORDS[PASSES]} passes"),
        ("docs/adr/0009-passwords-aside.md", f"in {WORDS[THREADS]} threads"),
        (
            "docs/adr/0009-passwords-aside.md",
            f"{MAX_WAITING} requests wait at most, {MAX_WAITING_PER_NETWORK} from one",
        ),
        ("docs/adr/0009-passwords-aside.md", f"after {WORDS[SPARED_MINUTES]} minutes without"),
        ("docs/adr/0010-challenges.md", f"every {FAILING_CHALLENGE_SECONDS:g} s once a challenge came back"),
        ("docs/adr/0010-challenges.md", f"after 0, {CHALLENGE_SECONDS:g}, {3 * CHALLENGE_SECONDS:g}"),
        ("docs/adr/0025-tickets-that-prove-themselves.md", f"in the record, the last {MAX_KICKED}"),
        ("docs/protocol.md", f"every {MAX_CHALLENGE_SECONDS:g} s at most, however many errors"),
        ("docs/protocol.md", f"accepted from it in the last {HEARD_SECONDS:g} s"),
        ("docs/protocol.md", f"{WORDS[GUESSES_PER_MINUTE]} a minute (a setting)"),
        ("docs/protocol.md", f"the relay checks {AT_ONCE} wrong passwords at once"),
        ("docs/protocol.md", f"{KEPT} of the {AT_ONCE} are reserved for names with few wrong passwords"),
        ("docs/protocol.md", f"not more than {WORDS[MISTAKES]}, and one a minute after that"),
        ("docs/protocol.md", f"A room takes {WORDS[ROOM_FACTOR]} times as many"),
        (
            "docs/protocol.md",
            f"{NEW_PASSWORDS_BURST_SECONDS * NEW_PASSWORDS_A_MINUTE // 60} at once and {NEW_PASSWORDS_A_MINUTE} a",
        ),
        ("docs/protocol.md", f"at most {MAX_LINE_BYTES:,} bytes without the line feed"),
        ("docs/protocol.md", f"The numbers `n` grow, from 1 to {MAX_NUMBER}"),
        ("docs/protocol.md", f"its newest {MAX_ENTRIES:,} entries"),
        ("docs/protocol.md", f"as many as fit in {MAX_BYTES >> 20} MiB"),
        ("docs/protocol.md", f"remembers the {STREAM_WINDOW:,} greatest numbers `n`"),
        ("docs/protocol.md", f"keep at most {STREAM_WINDOW:,} unanswered"),
        ("docs/protocol.md", f"leaves more than {MAX_UNREAD_BYTES >> 10} KiB unread"),
        ("docs/protocol.md", f"limits isn't read for {HALF[PAUSE_SECONDS]}"),
        ("docs/protocol.md", f"sends a ping every {PING_SECONDS:g} s"),
        ("docs/protocol.md", f"no line came for {PATIENCE_SECONDS:g} s"),
        ("docs/protocol.md", f"in notices of up to {LIST_BYTES} bytes"),
        ("docs/protocol.md", f"There are {MAX_LIST_NOTICES} at most"),
        ("docs/protocol.md", f"A room has {MAX_BANS} bans at most"),
        ("docs/protocol.md", f"A room has {MAX_MUTES} mutes at most"),
        ("docs/protocol.md", f"A topic has up to {MAX_TOPIC_BYTES} bytes"),
        ("docs/protocol.md", f"sent no wrong password for {WORDS[SPARED_MINUTES]} minutes"),
    ],
)
def test_the_number_matches_the_code(name: str, phrase: str) -> None:
    assert phrase in " ".join(read(name).split())
