"""Which node each bot is on, who was cut off by the death of a node, and for how long; without I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot_client.ledger import Chat, Ledger


@dataclass(slots=True)
class Whereabouts:
    """What a show knows of nodes and bots. Times are monotonic seconds."""

    nodes: dict[str, str]
    """Names of nodes by the address at which clients reach them."""
    home: str = ""
    """The node that holds the room now; empty while nobody knows."""
    killed: str = ""
    """The node that was killed; empty before that."""
    killed_at: float = 0.0
    node_of: dict[str, str] = field(default_factory=dict)
    """Where each bot is, or was last."""
    away: set[str] = field(default_factory=set)
    """Bots that lost their place and aren't back."""
    cut_off: set[str] = field(default_factory=set)
    """Bots that the node's death concerned and that aren't anywhere else yet, whether they noticed it or not."""
    away_seconds: dict[str, float] = field(default_factory=dict)
    """How long those who are back could neither speak nor hear: from the node's death on."""

    def enter(self, who: str, server: str, now: float) -> float | None:
        """Take note that a bot is in the room; returns how long the node's death kept it out, if it did."""
        self.node_of[who] = self.nodes.get(server, server)
        self.away.discard(who)
        if who not in self.cut_off:
            return None
        self.cut_off.discard(who)
        self.away_seconds[who] = now - self.killed_at
        return self.away_seconds[who]

    def lose(self, who: str) -> None:
        """Take note that a bot lost its place."""
        self.away.add(who)

    def kill(self, node: str, now: float) -> None:
        """Take note that a node is killed; if it is the room's home, that cuts everybody off."""
        self.killed, self.killed_at = node, now
        if self.home == node:
            self.home = ""
            self.cut_off = set(self.node_of)

    def on(self, node: str) -> list[str]:
        """Return the bots that are on a node, in the order in which they came to the show."""
        return [who for who, where in self.node_of.items() if where == node and who not in self.away]

    def find_home(self, holders: Iterable[str]) -> bool:
        """Take note which nodes hold the room; returns whether it has got a new home."""
        found = next((node for node in holders if node != self.killed), "")
        if not found or found == self.home:
            return False
        self.home = found
        return True


class StrictLedger(Ledger):
    """A ledger in which a bot that is cut off is owed what the others say meanwhile: a word that misses it is lost."""

    def leave(self, chat: Chat, member: str) -> None:
        """Forgive nothing: nobody leaves this show of its own will."""
