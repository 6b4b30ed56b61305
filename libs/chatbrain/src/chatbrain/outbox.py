"""What is to be sent: nothing without a membership, and nothing longer than the relay relays."""

from chatbrain.actions import Action, CloseDatagram, CloseStream, SendDatagram, SendStream
from chatbrain.errors import MessageTooLongError


class Outbox:
    """The actions that wait for whoever owns the sockets, and what each datagram begins with."""

    def __init__(self, max_message_bytes: int = 0) -> None:
        self.max_message_bytes = max_message_bytes
        """How long a message may be; 0 while that isn't known."""
        self.is_open = False
        """Whether there is a membership to send with; where its stream is broken, what is sent is dropped."""
        self.streams = False
        """Whether a stream carries it."""
        self._actions: list[Action] = []
        self._header: bytes | None = None

    @property
    def speaks_udp(self) -> bool:
        """Whether datagrams carry the membership."""
        return self._header is not None

    def open(self, header: bytes, max_message_bytes: int) -> None:
        """Begin each datagram with a header, which alone is a keep-alive."""
        self._header, self.max_message_bytes = header, max_message_bytes
        self.is_open, self.streams = True, False

    def open_stream(self, max_message_bytes: int) -> None:
        """Send lines over the TCP connection that stands."""
        if self._header is not None:
            self.act(CloseDatagram())
        self._header, self.max_message_bytes = None, max_message_bytes
        self.is_open = self.streams = True

    def cut(self) -> None:
        """Send no more by what carries the membership, which may be taken up again."""
        self.act(CloseStream() if self.streams else CloseDatagram())
        self.streams, self._header = False, None

    def close(self) -> None:
        """Send no more; the limit stays known."""
        if self.streams:
            self.cut()
        self._header, self.is_open = None, False
        self.act(CloseDatagram())

    def act(self, *actions: Action) -> None:
        """Have something done, in order."""
        self._actions.extend(actions)

    def take(self) -> list[Action]:
        """Return and forget what is to be done."""
        actions, self._actions = self._actions, []
        return actions

    def say(self, message: bytes) -> bool:
        """Send what somebody wants to be sent; False if there is no membership to send it with.

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.

        """
        self.check(message)
        return self.send(message)

    def check(self, message: bytes) -> None:
        """Check that a message isn't too long.

        Raises:
            MessageTooLongError: it has more than ``max_message_bytes``.

        """
        if len(message) > self.max_message_bytes > 0:
            raise MessageTooLongError(len(message), self.max_message_bytes)

    def send(self, message: bytes) -> bool:
        """Send a line, or in a datagram a word of the protocol, or a keep-alive if it is empty.

        False if there is no membership to send it with, or nothing that carries it.
        """
        if self.streams:
            self.act(SendStream(message))
        elif self._header is not None:
            self.act(SendDatagram(self._header + message))
        else:
            return False
        return True
