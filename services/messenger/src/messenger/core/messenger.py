"""All of a person's conversations: what is open, what is shown, and what calls for attention."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from math import inf
from secrets import token_bytes, token_hex
from typing import Final, Protocol

from chatbrain import (
    Brain,
    Cancellable,
    Driver,
    Ended,
    EndReason,
    Event,
    LobbyBrain,
    Look,
    Recovered,
    Rejoined,
    RejoinPolicy,
    RoomBrain,
    ServerAddress,
    Tls,
    Transport,
    UnreachableError,
)
from chatbrain.sealed import Seal
from chatproto import Operation
from chatproto.constants import NONCE_BYTES
from chatproto.sealing import SENDER_ID_BYTES
from messenger.core.commands import Ignore, Submitted, Unignore, interpret
from messenger.core.conversation import Conversation
from messenger.core.entry import Entry
from messenger.core.facts import Fact, Presence, Unsent
from messenger.core.history import Kind, Line
from messenger.core.ignoring import IgnoredError, IgnoredNames, IgnoreStore, Ignoring, Outcome, without
from messenger.core.matching import name_key
from messenger.core.open_rooms import ListLinks, OpenRooms
from messenger.core.trusting import Changed, KnownServersError, Stranger, TrustStore, judge

ALERT_SECONDS: Final = 5.0
"""A conversation calls for attention this often at most, however much is said in it."""


class Links(ListLinks, Protocol):
    """What the core wants of whoever owns sockets: where links come from."""

    @property
    def now(self) -> float:
        """The brains' time, in monotonic seconds."""
        ...

    def open(self, brain: Brain, server: ServerAddress, tls: Tls | None, on_event: Callable[[Event], None]) -> Driver:
        """Make a brain's driver and set it going; events may come before this returns.

        Raises:
            ValueError: the file of authorities in ``tls`` can't be used.

        """
        ...


class Messenger:
    """What the front ends show; they hear of every change and look at what they show anew."""

    def __init__(
        self,
        links: Links,
        trust: TrustStore,
        ignored: IgnoreStore,
        *,
        word: Callable[[Fact], str],
        random: Callable[[], float],
        clock: Callable[[], datetime],
        rejoin: RejoinPolicy | None = None,
        transport: Transport | None = None,
    ) -> None:
        """Take where links come from, what puts facts into words, and what returns floats from 0 to 1.

        ``transport`` is for entries that name none.
        """
        self.transport = transport
        """By what chats are to travel, if that was said for all."""
        self.conversations: list[Conversation] = []
        self.on_change: Callable[[], None] = lambda: None
        """Hears that something changed; may be called very often, so one should only note it and look later."""
        self.on_line: Callable[[Conversation, Line], None] = lambda _conversation, _line: None
        """Hears of each new line, for a log."""
        self.on_alert: Callable[[Conversation, Line], None] = lambda _conversation, _line: None
        """Hears of a message that nobody saw, a few seconds apart; for notifications."""
        self.open_rooms = OpenRooms(links, trust)
        """What there is to choose from, where one is about to come in."""
        self._links = links
        self._trust = trust
        self._ignored = ignored
        self._word = word
        self._random = random
        self._clock = clock
        self._rejoin = rejoin
        self._attended: Conversation | None = None
        self._lookings: dict[Conversation, Cancellable] = {}
        self._alerted_at: dict[Conversation, float] = {}

    @property
    def unread(self) -> int:
        """How many messages were not seen yet, where that matters."""
        return sum(conversation.unread for conversation in self.conversations if not conversation.muted)

    @property
    def closing(self) -> list[str]:
        """The rooms that others lose when one leaves all."""
        return [conversation.title for conversation in self.conversations if conversation.closes_for_others]

    def enter(self, entry: Entry) -> Conversation:
        """Come in; returns the conversation that there is already, if one is in that chat or was."""
        for conversation in self.conversations:
            if conversation.entry.destination == entry.destination:
                if conversation.presence is Presence.OVER:
                    self.again(conversation, entry)
                return conversation
        conversation = Conversation(entry, word=self._word, clock=self._clock, on_line=self._take_line)
        self.conversations.append(conversation)
        self._open(conversation)
        return conversation

    def again(self, conversation: Conversation, entry: Entry | None = None) -> None:
        """Try once more, with another name or password if need be; what was said stays."""
        if conversation.presence is Presence.OVER:
            conversation.begin(entry or conversation.entry)
            self._open(conversation)

    def trust(self, conversation: Conversation) -> None:
        """Trust the stranger that a conversation asks about, from now on, and go on."""
        stranger = conversation.question
        if stranger is None:
            return
        conversation.question = None
        try:
            self._trust.remember(stranger.server, stranger.fingerprint)
        except KnownServersError as error:  # one can go on all the same, and is asked again next time
            conversation.note(str(error), problem=True)
        self._connect(conversation, Tls(fingerprint=stranger.fingerprint))

    def distrust(self, conversation: Conversation) -> None:
        """End a conversation that asks about a stranger: it isn't to be trusted."""
        if conversation.question:
            conversation.end(Ended(EndReason.UNTRUSTED, self._word(Unsent.NOT_TRUSTED)))
            self.on_change()

    def submit(self, conversation: Conversation, text: str) -> Submitted:
        """Do what a typed line says, see `Conversation.submit`."""
        match interpret(text):
            case Ignore(name):
                self.ignore(conversation, name)
                return Submitted.DONE
            case Unignore(name):
                self.ignore(conversation, name, ignored=False)
                return Submitted.DONE
        submitted = conversation.submit(text, self._links.now)
        self.on_change()
        return submitted

    def ignore(self, conversation: Conversation, name: str, *, ignored: bool = True) -> None:
        """Show no more of what somebody says in any room of this server, or show it again; without a name say whom."""
        try:
            conversation.note(self._word(self._ignore(conversation.entry, name, ignored=ignored)))
        except IgnoredError as error:
            conversation.note(str(error), problem=True)
        self.on_change()

    def _ignore(self, entry: Entry, name: str, *, ignored: bool) -> Ignoring | IgnoredNames:
        host = entry.server.host.lower()
        names = self._ignored.names(host)
        if not name:
            return IgnoredNames(tuple(names))
        if ignored and name_key(name) == name_key(entry.name):
            return Ignoring(name, Outcome.ONESELF)
        others = without(names, name)
        if not ignored and len(others) == len(names):
            return Ignoring(name, Outcome.NEVER)
        self._ignored.keep(host, [*others, name] if ignored else others)
        for conversation in self.conversations:
            if conversation.entry.server.host.lower() == host:
                self._read_ignored(conversation)
        return Ignoring(name, Outcome.IGNORED if ignored else Outcome.SEEN)

    def _read_ignored(self, conversation: Conversation) -> None:
        host = conversation.entry.server.host.lower()
        conversation.ignored = frozenset(map(name_key, self._ignored.names(host)))

    def command(self, conversation: Conversation, text: str) -> Submitted:
        """Give the relay a command, such as ``/kick ann``."""
        submitted = conversation.command(text, self._links.now)
        self.on_change()
        return submitted

    def choose_password(self, conversation: Conversation, password: str) -> Submitted:
        """Set a new password for the room."""
        submitted = conversation.choose_password(password, self._links.now)
        self.on_change()
        return submitted

    def try_now(self, conversation: Conversation) -> None:
        """Make the next attempt to come back at once."""
        conversation.try_now(self._links.now)
        self.on_change()

    def send_again(self, conversation: Conversation) -> None:
        """Say what wasn't delivered once more."""
        conversation.send_again(self._links.now)
        self.on_change()

    def give_up(self, conversation: Conversation) -> None:
        """Let what wasn't delivered be; its lines stay marked."""
        conversation.posted.failed.clear()
        self.on_change()

    def attend(self, conversation: Conversation | None) -> None:
        """Take note whose newest lines a person has before the eyes now; None if nobody looks."""
        if self._attended is conversation:
            return
        if self._attended:
            self._attended.attend(attended=False)
        self._attended = conversation
        if conversation:
            conversation.attend(attended=True)
        self.on_change()

    def leave(self, conversation: Conversation) -> None:
        """Leave a room; what was said there stays."""
        if looking := self._lookings.pop(conversation, None):
            looking.cancel()
        conversation.leave()
        self.on_change()

    def remove(self, conversation: Conversation) -> None:
        """Leave a room and forget what was said there."""
        self.leave(conversation)
        self.conversations.remove(conversation)
        self._alerted_at.pop(conversation, None)
        if self._attended is conversation:
            self._attended = None
        self.on_change()

    def leave_all(self) -> None:
        """Leave every room, at the end of the program."""
        for conversation in self.conversations:
            self.leave(conversation)

    @property
    def wanted(self) -> list[Entry]:
        """Where one is, or would be if relays could be reached."""
        return [conversation.entry for conversation in self.conversations if conversation.wanted]

    def retry_seconds(self, conversation: Conversation) -> float:
        """Return how long it takes until the next attempt to come back; infinity if there is none."""
        return max(0.0, conversation.contact.retry_at - self._links.now)

    def _open(self, conversation: Conversation) -> None:
        entry = conversation.entry
        try:
            self._read_ignored(conversation)
        except IgnoredError as error:
            conversation.note(str(error), problem=True)
        if entry.tls == Tls():
            looked = partial(self._looked, conversation)
            self._lookings[conversation] = self._links.look_at(entry.server, looked)
        else:
            self._connect(conversation, entry.tls)
        self.on_change()

    def _looked(self, conversation: Conversation, look: Look) -> None:
        """Go on when the relay has shown its certificate, or hasn't."""
        self._lookings.pop(conversation, None)
        server = str(conversation.entry.server)
        if isinstance(look, UnreachableError):
            conversation.end(look.cause)
        else:
            try:
                verdict = judge(server, look, self._trust)
            except KnownServersError as error:
                conversation.end(Ended(EndReason.UNTRUSTED, str(error)))
            else:
                self._act_on(conversation, verdict, look.tls)
        self.on_change()

    def _act_on(self, conversation: Conversation, verdict: Stranger | Changed | None, tls: Tls) -> None:
        if isinstance(verdict, Stranger):
            conversation.question = verdict
        elif isinstance(verdict, Changed):
            conversation.end(Ended(EndReason.UNTRUSTED, self._word(verdict)))
        else:
            self._connect(conversation, tls)

    def _connect(self, conversation: Conversation, tls: Tls | None) -> None:
        entry = conversation.entry
        brain = self._brain(entry, encrypted=tls is not None)
        conversation.attach_brain(brain)
        try:
            link = self._links.open(brain, entry.server, tls, partial(self._take, conversation, brain))
        except ValueError as error:
            conversation.end(Ended(EndReason.UNTRUSTED, self._word(error)))
        else:
            conversation.attach_link(link)
        self.on_change()

    def _brain(self, entry: Entry, *, encrypted: bool) -> Brain:
        server = str(entry.server)
        if entry.room is None:
            port = entry.server.port
            return LobbyBrain(entry.name, port=port, server=server, rejoin=self._rejoin, random=self._random)
        return RoomBrain(
            Operation.CREATE if entry.create else Operation.JOIN,
            entry.room,
            entry.name,
            server=server,
            password=entry.password,
            rejoin=self._rejoin,
            random=self._random,
            receipts=True,
            new_nonce=partial(token_hex, NONCE_BYTES),
            transport=entry.transport or self.transport or Transport.AUTO,
            encrypted=encrypted,
            seal=Seal(entry.key, entry.room, entry.name, token_bytes(SENDER_ID_BYTES)) if entry.key else None,
        )

    def _take(self, conversation: Conversation, brain: Brain, event: Event) -> None:
        if conversation.is_brain(brain):
            conversation.take(event, self._links.now)
            conversation.settle()  # the brain may have been asked for something
            if isinstance(event, Recovered | Rejoined):
                self._wake(conversation)
            self.on_change()

    def _wake(self, back: Conversation) -> None:
        """Have all other conversations with a relay try at once to come back: one of them is."""
        for other in self.conversations:
            if other is not back and other.entry.server.host.lower() == back.entry.server.host.lower():
                other.try_now(self._links.now)

    def _take_line(self, conversation: Conversation, number: int) -> None:
        line = conversation.history[number]
        self.on_line(conversation, line)
        if line.kind is Kind.MESSAGE and not (conversation.attended or conversation.muted):
            now = self._links.now
            if now >= self._alerted_at.get(conversation, -inf) + ALERT_SECONDS:
                self._alerted_at[conversation] = now
                self.on_alert(conversation, line)
