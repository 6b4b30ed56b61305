"""Who is in the cluster: what this node says of itself over the bus, and what the others say."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from relay_server.cluster.base import Directory, DirectoryError, GoneError, SilentError
from relay_server.cluster.nodes import Beat, BeatError, Ignored, Replays, decode_beat, encode_beat
from relay_server.cluster.vault import Sealer
from relay_server.core.home_actions import BusFailure
from relay_server.core.places import Node

QUESTION_BYTES: Final = 16
MAX_TOLD: Final = 256
"""So many warnings aren't said again: where nodes' names are made by chance, there are ever more."""
_ADVICE: Final = {
    Ignored.BAD_SEAL: "its RELAY_CLUSTER_KEY is another one: give all nodes the same",
    Ignored.MALFORMED: "another version of the relay sent it: update all nodes",
    Ignored.CLOCK: "set the clocks of all nodes, they differ by more than ten seconds",
}

log = structlog.get_logger()


class Presence:
    """Says that this node is there, and hears who else is."""

    def __init__(
        self, me: Node, directory: Directory, sealer: Sealer, wall: Callable[[], float], next_beat: int = 1
    ) -> None:
        """``wall`` returns the seconds since 1970; ``next_beat`` is the number of the first beat."""
        self.me = me
        self._directory = directory
        self._sealer = sealer
        self._wall = wall
        self.next_beat = next_beat
        self.succeeded = asyncio.Event()
        """Set when a process was heard that took over from this one."""
        self._replays = Replays()
        self._told: dict[tuple[str, object], None] = {}
        """What was said last, once."""

    def set_draining(self, *, draining: bool) -> None:
        """Say from now on that nobody new should come here."""
        self.me = replace(self.me, draining=draining)

    def show_certificate(self, fingerprint: str) -> None:
        """Say from now on that clients see another certificate here."""
        self.me = replace(self.me, server=replace(self.me.server, fingerprint=fingerprint))

    async def beat(self) -> None:
        """Say that this node is there."""
        await self._directory.beat(encode_beat(self._beat(), self._sealer))

    def hear(self, data: bytes) -> tuple[Node, bool] | None:
        """Take a beat: its node, and whether that was just started; None if it is this one's, or doesn't count."""
        try:
            beat = decode_beat(data, self._sealer)
            if beat.node.name == self.me.name:
                self._check_name(beat.node, beat.number)
                return None
            is_new = self._replays.check(beat, self._wall())
        except BeatError as error:
            self._explain(error)
            return None
        if is_new:
            log.info("node_seen", node=beat.node.name, server=beat.node.server.address)
        return beat.node, is_new

    async def ask(self, node: str) -> Node | BusFailure:
        """Ask a node to say that it is there: what it answers can't be an older word of it."""
        question = secrets.token_bytes(QUESTION_BYTES)
        try:
            beat = decode_beat(await self._directory.ask(node, question), self._sealer, question.hex())
        except GoneError:
            return BusFailure.GONE
        except (SilentError, BeatError):
            return BusFailure.SILENT
        except DirectoryError:
            return BusFailure.AWAY
        return beat.node if beat.node.name == node else BusFailure.SILENT

    def answer(self, question: bytes) -> bytes:
        """Say to who asks that this node is there."""
        return encode_beat(self._beat(), self._sealer, question.hex()) if len(question) == QUESTION_BYTES else b""

    def _beat(self) -> Beat:
        beat = Beat(self.me, self.next_beat, self._wall())
        self.next_beat += 1
        return beat

    def _check_name(self, node: Node, number: int) -> None:
        """Say once if another node has this one's name: each would take the other's rooms for its own."""
        if node.started_at == self.me.started_at:
            if number >= self.next_beat:
                self.succeeded.set()
        else:
            self._say("node_name_taken", node.started_at, node=node.name, server=node.server.address,
                      advice="give each node a RELAY_NODE_NAME of its own")  # fmt: skip

    def _explain(self, error: BeatError) -> None:
        if advice := _ADVICE.get(error.reason):
            self._say("beat_ignored", (error.node, error.reason), node=error.node, advice=advice)

    def _say(self, event: str, what: object, **words: str) -> None:
        if (event, what) not in self._told:
            if len(self._told) >= MAX_TOLD:
                del self._told[next(iter(self._told))]
            self._told[event, what] = None
            log.warning(event, **words)
