"""One chat, in a room or the lobby, as a person sees it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from chatbrain import (
    Brain,
    Carried,
    Delivery,
    DeliveryState,
    Driver,
    Ended,
    EndReason,
    Event,
    Joined,
    Message,
    MessageTooLongError,
    Missed,
    Moved,
    Rebound,
    Reconnecting,
    Recovered,
    Rejoined,
    Stage,
    Unheard,
    Unreadable,
    WrongKeyError,
)
from chatproto import (
    COMMANDS,
    Advice,
    Command,
    CommandDone,
    CommandFailed,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    MemberList,
    Status,
    Topic,
    parse_command,
    sanitize,
)
from messenger.core.commands import LEFT_TO_FRONT_ENDS, Ask, ChoosePassword, Say, Submitted, Unknown, interpret
from messenger.core.contact import Contact
from messenger.core.entry import Entry
from messenger.core.facts import Fact, Presence, Unsent, new_password_flaw
from messenger.core.history import History, Kind, Line
from messenger.core.listing import Listing
from messenger.core.matching import find_mentions, name_key
from messenger.core.posted import Posted
from messenger.core.prose import ProseLists
from messenger.core.roster import Person, Roster

if TYPE_CHECKING:
    from messenger.core.trusting import Stranger

_HERE: Final = {Stage.CHATTING, Stage.DEAF, Stage.VERIFYING, Stage.RESUMED}
_MUTING: Final = {Command.MUTE, Command.UNMUTE}


class Conversation:
    """What was said in one chat, who is there, and how one is in."""

    def __init__(
        self,
        entry: Entry,
        *,
        word: Callable[[Fact], str],
        clock: Callable[[], datetime],
        on_line: Callable[["Conversation", int], None],
    ) -> None:
        """Take what puts facts into words; ``on_line`` hears of each new line by its number."""
        self.entry = entry
        self.history = History()
        self.roster = Roster()
        self.topic = ""
        self.host = False
        self.muted = False
        """Whether what is said here calls for nobody's attention."""
        self.attended = False
        """Whether a person has the newest lines before the eyes."""
        self.unread = 0
        """How many messages were not seen yet."""
        self.mentions = 0
        """How many of these have one's name."""
        self.mark: int | None = None
        """The number of the line that was the first unread one when they were last looked at, or is now."""
        self.draft = ""
        """What stands typed there while another conversation is shown; for the front end."""
        self.question: Stranger | None = None
        """Whether this relay is trusted, is what a person has to say."""
        self.ended: Ended | None = None
        """Why one isn't in any more."""
        self.contact = Contact(answers=entry.room is not None)
        self.ignored: frozenset[str] = frozenset()
        """The keys of the names that aren't read here, see `name_key`."""
        self.posted = Posted(self.history, self._lose)
        """What became of one's own words."""
        self._word = word
        self._clock = clock
        self._on_line = on_line
        self._brain: Brain | None = None
        self._link: Driver | None = None
        self._ever_in = False
        self._mutes_changed = False
        self._listing = Listing()
        self._prose = ProseLists()

    @property
    def title(self) -> str:
        """The room's name, harmless to show; empty for the lobby."""
        return sanitize(self.entry.room or "")

    @property
    def people(self) -> Sequence[Person]:
        """Everybody who is known by name, the host first, and who of them is ignored."""
        people = self.roster.people
        if not self.ignored:
            return people
        return [replace(person, ignored=name_key(person.name) in self.ignored) for person in people]

    @property
    def wanted(self) -> bool:
        """Whether one is in, or would be if the relay could be reached."""
        return self.ended is None or self.ended.reason is EndReason.UNREACHABLE

    @property
    def presence(self) -> Presence:
        """How far in one is."""
        if self.ended:
            return Presence.OVER
        if self.question:
            return Presence.ASKING
        if self._brain is None:
            return Presence.LOOKING
        if self._brain.stage is Stage.WAITING and self.contact.away:
            return Presence.WAITING
        if self._brain.stage in _HERE and not self.contact.away:
            return Presence.UNHEARD if self.contact.unheard_since else Presence.HERE
        return Presence.RETURNING if self._ever_in else Presence.ENTERING

    @property
    def closes_for_others(self) -> bool:
        """Whether others lose the room when one leaves."""
        return self.host and len(self.roster) > 1

    @property
    def obeys(self) -> bool:
        """Whether the relay obeys commands here (MOD-01)."""
        return self._brain is not None and self._brain.obeys

    def may(self, command: Command, argument: str = "") -> bool:
        """Tell whether one may give a command here (MOD-01)."""
        return self.obeys and (self.host or not COMMANDS[command].needs_host(argument))

    @property
    def max_message_bytes(self) -> int:
        """How long a message may be; 0 while that isn't known."""
        return self._brain.max_message_bytes if self._brain else 0

    def begin(self, entry: Entry) -> None:
        """Start anew; what was said before stays."""
        self.entry = entry
        self.question = self.ended = None
        self._brain = self._link = None
        self._ever_in = self.host = False
        self.contact = Contact(answers=entry.room is not None)
        self.posted.begin()
        self.roster.clear()

    def attach_brain(self, brain: Brain) -> None:
        """Be a member by this brain from now on."""
        self._brain = brain

    def is_brain(self, brain: Brain) -> bool:
        """Tell whether this is the brain, not that of an earlier membership."""
        return self._brain is brain

    def attach_link(self, link: Driver) -> None:
        """Take the link of the brain, which may have ended already."""
        self._link = link
        self.settle()

    def settle(self) -> None:
        """Have done what the brain wants now, and close what is open when it is over."""
        if self._link:
            self._link.pump()
        if self._link and self.ended:
            self._link.close()
            self._link = None

    def end(self, ended: Ended) -> None:
        """End without a word from the brain, if there is one."""
        self._take_end(ended)
        self.settle()

    def leave(self) -> None:
        """Leave, and close what is open."""
        if self.ended:
            return
        if self._brain and self._link:
            self._brain.leave()
            self.settle()
        else:
            self.end(Ended(EndReason.LEFT, "You left."))

    def note(self, text: str, *, problem: bool = False) -> None:
        """Add what the program itself says, such as a list of commands."""
        self._add(Line(Kind.PROBLEM if problem else Kind.NOTICE, self._clock(), text))

    def attend(self, *, attended: bool) -> None:
        """Take note whether a person has the newest lines before the eyes."""
        self.attended = attended
        if attended:
            self.unread = self.mentions = 0

    def take(self, event: Event, now: float) -> None:
        """Take what happened."""
        self._listing.go_on(self._brain, now)
        match event:
            case Message(sender, text):
                self._take_message(sender, text)
            case Joined() | Rejoined():
                self._take_welcome(event, now)
            case Ended():
                self._take_end(event)
            case Reconnecting():
                self._take_absence(event, now)
            case Delivery():
                self.posted.take(event)
            case MemberList():
                self._take_list(event, now)
            case Advice(text) if listed := self._read_prose(text):
                self._take_list(listed, now)
            case _:
                self._take_news(event, now)

    def submit(self, text: str, now: float) -> Submitted:
        """Do what a typed line says; what only a front end can do is returned."""
        match meant := interpret(text):
            case Say(words):
                return self._send(lambda brain: brain.say(words, now), own=words)
            case Ask(words):
                return self.command(words, now)
            case ChoosePassword():
                return self._refuse_password() or Submitted.CHOOSE_PASSWORD
            case Unknown():
                self._keep(meant)
                return Submitted.MISTYPED
            case _:
                return LEFT_TO_FRONT_ENDS.get(type(meant), Submitted.DONE)

    def command(self, text: str, now: float) -> Submitted:
        """Give the relay a command, such as ``/kick ann``."""
        text = normalize("NFC", text)
        asked = parse_command(text)
        if asked and asked[0] is Command.WHO:
            self._listing.disown()
        if asked and asked[0] in _MUTING:
            self._mutes_changed = True
        if asked and asked[0] is Command.PASSWORD and asked[1] and (refused := self._refuse_password()):
            return refused  # unsent, for it goes over the network in the clear
        if not self.obeys and self.presence is Presence.HERE:
            return self._keep(Unsent.NO_COMMANDS)
        return self._send(lambda brain: brain.command(text, now))

    def try_now(self, now: float) -> None:
        """Make the next attempt to come back at once, if one waits for it."""
        if self._brain:
            self._brain.try_now(now)
            self.settle()

    def send_again(self, now: float) -> None:
        """Say what wasn't delivered once more."""
        if brain := self._brain:
            try:
                self.posted.send_again(lambda text: brain.say(text, now))
            except WrongKeyError as error:
                self._keep(error)
            self.settle()

    def choose_password(self, password: str, now: float) -> Submitted:
        """Set a new password for the room; the relay says what becomes of it."""
        if flaw := new_password_flaw(password):
            return self._keep(flaw)
        return self.command(f"/{Command.PASSWORD} {password}", now)

    def _refuse_password(self) -> Submitted | None:
        """Say that only a host sets passwords; None to a host, and while it isn't known who is."""
        if self.presence is not Presence.HERE or self.host:
            return None
        return self._keep(Unsent.NOT_HOST if self.obeys else Unsent.NO_COMMANDS)

    def _send(self, give: Callable[[Brain], int], own: str | None = None) -> Submitted:
        try:
            known = give(self._brain) if self._brain else 0
        except (MessageTooLongError, WrongKeyError) as error:
            return self._keep(error)
        if not known:
            return self._keep(Unsent.NOT_IN)
        line = None
        if own is not None:
            self.mark, line = None, self.history.end
            state = None if self.entry.room is None else DeliveryState.SENDING
            self._add(Line(Kind.OWN, self._clock(), sanitize(own), self.entry.name, state=state))
        self.posted.follow(known, line)
        self.settle()
        return Submitted.DONE

    def _lose(self, delivery: Delivery, line: int | None) -> None:
        """Tell that something wasn't delivered; of a message its line does."""
        if line is None:
            self.note(self._word(delivery), problem=True)
        else:
            self._on_line(self, line)

    def _keep(self, why: Fact) -> Submitted:
        self.note(self._word(why), problem=True)
        return Submitted.KEPT

    def _take_message(self, sender: str | None, text: str) -> None:
        if sender is not None:
            self.roster.hear(sender)
        self.contact.hear(self._clock())
        if sender is not None and self.ignored and name_key(sender) in self.ignored:
            return
        name = self.entry.name
        mentions = name if any(find_mentions(name, text)) else ""
        if not self.attended:
            self.mark = self.mark if self.unread else self.history.end
            self.unread += 1
            self.mentions += bool(mentions)
        self._add(Line(Kind.MESSAGE, self._clock(), text, sender, mentions))

    def _take_welcome(self, event: Joined | Rejoined, now: float) -> None:
        self._ever_in, self.host, self.contact.heard = True, event.host, event.heard
        self.entry = replace(self.entry, key_is_new=False)
        self.contact.web = event.web
        self.contact.restore()
        self.topic = ""  # the relay tells the room's, if it has one
        self.roster.clear()
        self.roster.add(self.entry.name, host=event.host)
        self._tell(event)
        self._listing.ask(self._brain, now)

    def _take_absence(self, event: Reconnecting, now: float) -> None:
        if self.contact.lose(event, now):
            self.note(self._word(event), problem=event.cause.status is not Status.NO_SUCH_ROOM)

    def _read_prose(self, text: str) -> MemberList | None:
        return None if self._brain and self._brain.facts else self._prose.read(text)

    def _take_list(self, listed: MemberList, now: float) -> None:
        self.roster.take_list(listed)
        if not self._listing.is_own(now):
            self._tell(listed)

    def _take_news(self, event: Event, now: float) -> None:
        match event:
            case MemberJoined(name):
                self.roster.add(name)
            case MemberLeft(name) | MemberEvicted(name):
                self.roster.remove(name)
            case HostChanged(name):
                self.roster.hand_over(name)
                self.host = name == self.entry.name
            case Topic(text):
                self.topic = sanitize(text)
            case Carried() | Unheard() | Recovered() | Rebound():
                self.contact.take(event, self._clock())
            case Missed() | Moved():  # somebody may have come or gone
                self._listing.renew(self._brain, now, twice=isinstance(event, Moved))
            case CommandDone() | CommandFailed() | Advice() if self._mutes_changed:
                self._mutes_changed = False
                self._listing.ask(self._brain, now)
            case _:
                pass
        self._tell(event)

    def _take_end(self, ended: Ended) -> None:
        self.ended = ended
        self.host = False
        self.contact.restore()
        self.roster.clear()
        self.note(self._word(ended), problem=ended.reason is not EndReason.LEFT)

    def _tell(self, event: Event) -> None:
        ignored = isinstance(event, Unreadable) and name_key(event.sender or "") in self.ignored
        if not ignored and (line := self._word(event)):
            self.note(line)

    def _add(self, line: Line) -> None:
        self._on_line(self, self.history.add(line))
