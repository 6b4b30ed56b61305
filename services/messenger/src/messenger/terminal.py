"""``chat`` on a terminal: what comes in never tears the line being typed."""

import asyncio
import signal
from datetime import datetime

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.base import FormattedText
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from chatclient import Connection, Ended, Event, Message, MessageTooLongError, Stage
from chatproto import sanitize
from messenger.commands import HELP, Help, Leave, Nothing, Say, Unknown, interpret
from messenger.palette import colour_of
from messenger.wording import describe

_STAGES = {
    Stage.CHATTING: "connected",
    Stage.DEAF: "connected",
    Stage.VERIFYING: "connected",
    Stage.WAITING: "waiting to reconnect",
    Stage.JOINING: "connecting",
}
_NOTICE_STYLE = "ansibrightblack"


async def chat_on_terminal(room: Connection) -> Ended | None:
    """Chat until the person leaves, a signal comes or the membership ends.

    Returns how the membership ended, or None if it was one's own wish.
    """
    screen = _Screen(room)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, screen.stop)
    with patch_stdout():
        listening = asyncio.create_task(screen.listen())
        try:
            await screen.type()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    return room.ended


class _Screen:
    """The line being typed, the status line below it, and what was said above."""

    def __init__(self, room: Connection) -> None:
        self._room = room
        self._stopping = False
        self._draft = ""
        self._session: PromptSession[str] = PromptSession(
            history=InMemoryHistory(), erase_when_done=True, bottom_toolbar=self._status
        )

    def stop(self) -> None:
        """End the typing, whatever stands there."""
        self._stopping = True
        if self._session.app.is_running:
            self._session.app.exit(exception=EOFError)

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
            match interpret(line):
                case Say(text):
                    self._say(text, line)
                case Leave():
                    return
                case Help():
                    self._notice(HELP)
                case Unknown(word):
                    self._notice(f"There is no {sanitize(word)}: /help lists the commands, // says a slash.")
                case Nothing():
                    pass

    def _say(self, text: str, line: str) -> None:
        try:
            if self._room.say(text):
                _print(_message(self._room.name, sanitize(text)))
                return
            self._notice("You are not in the room at the moment: try again when you are back.")
        except MessageTooLongError as error:
            self._notice(str(error))
        self._draft = line

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
        place = "lobby" if self._room.room is None else sanitize(self._room.room)
        role = " (host)" if self._room.host else ""
        state = _STAGES.get(self._room.stage, "left")
        size_bytes = len(self._session.default_buffer.text.encode(errors="replace"))
        limit = self._room.max_message_bytes
        style = "ansired" if size_bytes > limit else ""
        who = f" {place} | {sanitize(self._room.name)}{role} | {state} | "
        return [("", who), (style, f"{size_bytes}/{limit} bytes"), ("", " | /help")]


def _time() -> StyleAndTextTuples:
    return [(_NOTICE_STYLE, f"{datetime.now().astimezone():%H:%M:%S} ")]


def _message(sender: str, text: str) -> StyleAndTextTuples:
    return [*_time(), (f"bold {colour_of(sender)}", sender), ("", f": {text}")]


def _print(fragments: StyleAndTextTuples) -> None:
    print_formatted_text(FormattedText(fragments))
