"""A sealed room's key at work: what one says is sealed, and what is heard is opened (SEAL-01, SEAL-02, SEAL-04)."""

from dataclasses import replace

from chatbrain.errors import MessageTooLongError, WrongKeyError
from chatbrain.events import Message, Unreadable
from chatproto import Command, Topic, UnknownNotice, parse_command, sanitize
from chatproto.commands import REMOVE
from chatproto.constants import MAX_TOPIC_BYTES
from chatproto.sealing import Kind, Opener, RoomKey, SealedText, Sealer, Unopened, text_bytes_within


class Seal:
    """One session in one sealed room; make another for the next membership."""

    def __init__(self, key: RoomKey, room: str, name: str, sender_id: bytes) -> None:
        """``sender_id`` has `SENDER_ID_BYTES` random bytes that were never used before."""
        self.proven = False
        """Whether the key is known to be the room's: one created the room, or could open something."""
        self._doubted = False
        self._sealer = Sealer(key, room, name, sender_id)
        self._opener = Opener(key, room)

    def text(self, text: str, limit_bytes: int) -> SealedText:
        """Seal a message, which may have so many bytes when it is sealed; 0 while that isn't known.

        Raises:
            MessageTooLongError: it has more.
            ValueError: it is empty.
            WrongKeyError: others' texts couldn't be opened, so nobody could read it.

        """
        if self._doubted:
            raise WrongKeyError
        _check_size(text, self.capacity(limit_bytes))
        return self._sealer.seal(text)

    def command(self, text: str) -> str:
        """Return a command as the relay may read it: a new topic is sealed.

        Raises:
            MessageTooLongError: the topic is too long.
            WrongKeyError: as for `text`.

        """
        asked = parse_command(text)
        if not asked or asked[0] is not Command.TOPIC or asked[1].strip() in {"", REMOVE}:
            return text
        if self._doubted:
            raise WrongKeyError
        topic = sanitize(asked[1].strip())
        _check_size(topic, self.capacity(MAX_TOPIC_BYTES))
        return f"/{Command.TOPIC} {self._sealer.seal(topic, Kind.TOPIC).text}"

    def capacity(self, limit_bytes: int) -> int:
        """Return how long a text may be so that it has ``limit_bytes`` when it is sealed."""
        return text_bytes_within(limit_bytes)

    def open(self, text: str, sender: str | None) -> str | Unreadable | None:
        """Open what somebody said; returns it, harmless to show, or why it can't be; None if it was said before."""
        opened = self._opener.open(text, sender or "")
        return None if opened is Unopened.SEEN else self._judge(opened, sender)

    def open_topic(self, text: str) -> str | Unreadable:
        """Do the same with the room's topic, which may come again."""
        return self._judge(self._opener.open(text, "", Kind.TOPIC), None)

    def open_heard(self, heard: Message | Topic) -> Message | Topic | Unreadable | UnknownNotice:
        """Open a message or a topic, as it came from the relay; nothing is known of one that was said before."""
        if isinstance(heard, Topic):
            opened = self.open_topic(heard.text) if heard.text else ""
            return Topic(opened) if isinstance(opened, str) else opened
        said = self.open(heard.text, heard.sender)
        return replace(heard, text=said) if isinstance(said, str) else said or UnknownNotice()

    def _judge(self, opened: str | Unopened, sender: str | None) -> str | Unreadable:
        if isinstance(opened, Unopened):
            # Before anything was opened, one's own key may be the wrong one; after that it is the other's.
            self._doubted = self._doubted or (opened is Unopened.BROKEN and not self.proven)
            return Unreadable(sender, sealed=opened is Unopened.BROKEN, key_fits=self.proven)
        self.proven, self._doubted = True, False
        return sanitize(opened)


def _check_size(text: str, limit_bytes: int) -> None:
    size_bytes = len(text.encode())
    if size_bytes > limit_bytes > 0:
        raise MessageTooLongError(size_bytes, limit_bytes)
