"""A listener that writes down what its directory tells it."""

from relay_server.cluster.base import Change


class Hearing:
    """Keeps a copy of the directory, as nodes do."""

    def __init__(self, answer: bytes = b"") -> None:
        self.entries: dict[str, Change] = {}
        self.beats: list[bytes] = []
        self.asked: list[bytes] = []
        self.listings = 0
        self.caught_up = 0
        self.away = 0
        self.answer = answer

    def on_listing(self) -> None:
        self.entries.clear()
        self.listings += 1

    def on_change(self, change: Change) -> None:
        self.entries[change.key] = change

    def on_caught_up(self) -> None:
        self.caught_up += 1

    def on_away(self) -> None:
        self.away += 1

    def on_beat(self, data: bytes) -> None:
        self.beats.append(data)

    def on_ask(self, data: bytes) -> bytes:
        self.asked.append(data)
        return self.answer

    @property
    def values(self) -> dict[str, bytes]:
        """What is there by all that was told."""
        return {key: change.value for key, change in self.entries.items() if change.value is not None}
