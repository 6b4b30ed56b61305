"""``chat`` on a terminal: what comes in never tears the line being typed."""

import asyncio
from datetime import datetime

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.base import FormattedText
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from chatclient import BadPasswordError, Connection, Ended, Event, Message, MessageTooLongError, Stage
from chatproto import check_password, sanitize
from chatproto.commands import REMOVE
from messenger.commands import (
    HELP,
    Ask,
    ChoosePassword,
    Command,
    Help,
    Leave,
    Nothing,
    Say,
    Unknown,
    interpret,
    is_secret,
)
from messenger.i18n import N_, _
from messenger.palette import colour_of
from messenger.platforms import on_end
from messenger.wording import describe, flaw

_STAGES = {
    Stage.CHATTING: N_("connected"),
    Stage.DEAF: N_("connected"),
    Stage.VERIFYING: N_("connected"),
    Stage.WAITING: N_("waiting to reconnect"),
    Stage.JOINING: N_("connecting"),
    Stage.IDLE: N_("connecting"),
    Stage.ENDED: N_("left"),
}
_NOTICE_STYLE = "ansibrightblack"


async def chat_on_terminal(room: Connection) -> Ended | None:
    """Chat until the person leaves, a signal comes or the membership ends.

    Returns how the membership ended, or None if it was one's own wish.
    """
    screen = _Screen(room)
    on_end(screen.stop)
    with patch_stdout():
        listening = asyncio.create_task(screen.listen())
        try:
            await screen.type()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    return room.ended


class _History(InMemoryHistory):
    """What was typed before, without passwords."""

    def append_string(self, string: str) -> None:
        if not is_secret(string):
            super().append_string(string)


class _Screen:
    """The line being typed, the status line below it, and what was said above."""

    def __init__(self, room: Connection) -> None:
        self._room = room
        self._stopping = False
        self._draft = ""
        self._session: PromptSession[str] = PromptSession(
            history=_History(), erase_when_done=True, bottom_toolbar=self._status
        )
        self._unseen: PromptSession[str] = PromptSession(is_password=True, erase_when_done=True)

    def stop(self) -> None:
        """End the typing, whatever stands there."""
        self._stopping = True
        for session in (self._session, self._unseen):
            if session.app.is_running:
                session.app.exit(exception=EOFError)

    async def listen(self) -> None:
        """Show what comes in; end the typing when nothing comes any more."""
        async for event in self._room:
            line = describe(event)
            if line is not None:
                self._show(event, line)
            self._session.app.invalidate()
        self.stop()

    async def type(self) -> None:
        """Do what is typed until it is to leave."""
        while not self._stopping:
            try:
                line = await self._session.prompt_async("> ", default=self._draft)
            except (EOFError, KeyboardInterrupt):
                return
            self._draft = ""
            command = interpret(line)
            if isinstance(command, Leave):
                return
            await self._do(command, line)

    async def _do(self, command: Command, line: str) -> None:
        match command:
            case Say(text):
                self._say(text, line)
            case Ask(text):
                self._ask(text)
            case ChoosePassword():
                await self._choose_password()
            case Help():
                self._notice(_(HELP))
            case Unknown(word):
                text = _("There is no {word}: /help lists the commands, // says a slash.")
                self._notice(text.format(word=sanitize(word)))
            case Leave() | Nothing():
                pass

    def _say(self, text: str, line: str) -> None:
        try:
            if self._room.say(text):
                _print(_message(self._room.name, sanitize(text)))
                return
            self._notice(_("You are not in the room at the moment: try again when you are back."))
        except MessageTooLongError as error:
            self._notice(flaw(error))
        self._draft = line

    def _ask(self, text: str) -> None:
        try:
            if not self._room.obeys:
                self._notice(_("There are no commands here: nothing was sent."))
            elif not self._room.command(text):
                self._notice(_("You are not in the room at the moment: try again when you are back."))
        except MessageTooLongError as error:
            self._notice(flaw(error))

    async def _choose_password(self) -> None:
        """Ask for a new password unseen and twice; the relay says what becomes of it."""
        try:
            password = await self._unseen.prompt_async(_("New password for the room (empty: as before): "))
            if not password:
                return
            again = await self._unseen.prompt_async(_("The same again: "))
        except (EOFError, KeyboardInterrupt):
            return
        try:
            if password != again:
                self._notice(_("The two differ: the password is as before."))
            elif check_password(password).strip() == REMOVE:
                text = _("{word} alone can't be a password here: the password is as before.")
                self._notice(text.format(word=REMOVE))
            else:
                self._ask(f"/password {password}")
        except BadPasswordError as error:
            self._notice(flaw(error))

    def _show(self, event: Event, line: str) -> None:
        if isinstance(event, Message) and event.sender is not None:
            _print(_message(event.sender, event.text))
        elif isinstance(event, Message):
            _print([*_time(), ("", line)])
        else:
            self._notice(line)

    def _notice(self, text: str) -> None:
        _print([*_time(), (_NOTICE_STYLE, text)])

    def _status(self) -> StyleAndTextTuples:
        place = _("lobby") if self._room.room is None else sanitize(self._room.room)
        role = _(" (host)") if self._room.host else ""
        state = _(_STAGES[self._room.stage])
        size_bytes = len(self._session.default_buffer.text.encode(errors="replace"))
        limit = self._room.max_message_bytes
        style = "ansired" if size_bytes > limit else ""
        who = f" {place} | {sanitize(self._room.name)}{role} | {state} | "
        return [("", who), (style, _("{size}/{limit} bytes").format(size=size_bytes, limit=limit)), ("", " | /help")]


def _time() -> StyleAndTextTuples:
    return [(_NOTICE_STYLE, f"{datetime.now().astimezone():%H:%M:%S} ")]


def _message(sender: str, text: str) -> StyleAndTextTuples:
    return [*_time(), (f"bold {colour_of(sender)}", sender), ("", f": {text}")]


def _print(fragments: StyleAndTextTuples) -> None:
    print_formatted_text(FormattedText(fragments))
