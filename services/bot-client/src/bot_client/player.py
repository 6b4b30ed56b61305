"""One bot: it carries out its role's steps, one after the other."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from math import inf
from random import Random
from typing import Any, ClassVar, Final

from bot_client.attendance import Attendance, Door, Run
from bot_client.casting import Role
from bot_client.happenings import FellSilent, Refused
from bot_client.steps import (
    AnyStep,
    Chatter,
    Create,
    Enter,
    Expect,
    FallSilent,
    Join,
    Leave,
    Lobby,
    Repeat,
    Say,
    Step,
    Wait,
)
from chatclient import MessageTooLongError, RoomKey, Status, WrongKeyError, create_room, join_lobby, join_room

MAX_REMEMBERED_LINES: Final = 1000
"""What was heard and not yet expected; more is forgotten, oldest first."""

_PASSING: Final = {None, Status.BUSY, Status.SHUTTING_DOWN, Status.TOO_MANY}
"""No answer, or one that may be another soon."""

_FIRST_DELAY_SECONDS: Final = 0.1
_MAX_DELAY_SECONDS: Final = 2.0


class PlayError(Exception):
    """The scenario went otherwise than it says; ``str()`` is one sentence."""


class Player:
    """Play one role; a bot that is done stays where it is, listening."""

    def __init__(self, role: Role, run: Run, chance: Random) -> None:
        self._role = role
        self._chance = chance
        self._run = run
        self._settings = run.settings
        self._attendance = Attendance(role.name, run, self._hear)
        self._heard: deque[tuple[str | None, str]] = deque(maxlen=MAX_REMEMBERED_LINES)
        self._news = asyncio.Event()

    async def play(self) -> None:
        """Carry out all steps.

        Raises:
            PlayError: an expectation failed, or the bot couldn't come in.

        """
        await asyncio.sleep(self._role.start_seconds / self._settings.speed)
        await self._follow(self._role.steps)

    async def close(self) -> None:
        """Leave, if the bot is in a chat."""
        await self._attendance.close()

    def _hear(self, sender: str | None, text: str) -> None:
        self._heard.append((sender, text))
        self._news.set()

    async def _follow(self, steps: Sequence[AnyStep]) -> None:
        for step in steps:
            # A bot that lost its membership only does what brings it into one again.
            if self._attendance.present or isinstance(step, Create | Enter | Lobby | Repeat | Wait):
                await self._do[type(step)](self, step)

    async def _create(self, step: Create) -> None:
        await self._come(step.refused, [self._door(create_room)], {}, f'create "{self._role.room}"')

    async def _join(self, step: Join) -> None:
        patience: dict[Status | None, float] = {Status.NO_SUCH_ROOM: step.within_seconds}
        await self._come(step.refused, [self._door(join_room)], patience, f'join "{self._role.room}"')

    async def _enter(self, _: Enter) -> None:
        if await self._attendance.return_home():
            return
        patience: dict[Status | None, float] = {
            Status.NO_SUCH_ROOM: self._patience,
            Status.ROOM_EXISTS: self._patience,
            Status.WRONG_PASSWORD: self._patience,  # which a relay may say of a room that isn't there (PWD-05)
        }
        doors = [self._door(join_room), self._door(create_room)]
        await self._come(None, doors, patience, f'enter "{self._role.room}"')

    async def _lobby(self, _: Lobby) -> None:
        door = partial(
            join_lobby,
            self._role.name,
            server=self._settings.lobby,
            rejoin=self._run.rejoin,
        )
        await self._come(None, [door], {}, "enter the lobby")

    async def _say(self, step: Say) -> None:
        self._speak(step.text)

    async def _wait(self, step: Wait) -> None:
        await self._attendance.linger(self._chance.uniform(*step.bounds) / self._settings.speed)

    async def _expect(self, step: Expect) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + step.within_seconds
        wanted = step.model_copy(update=self._filled(step))
        while True:
            while self._heard:
                if wanted.matches(*self._heard.popleft()):
                    return
            self._news.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
            except TimeoutError:
                raise PlayError(self._disappointment(wanted)) from None

    async def _repeat(self, step: Repeat) -> None:
        loop = asyncio.get_running_loop()
        end = inf if step.seconds is None else loop.time() + step.seconds / self._settings.speed
        rounds = 0
        while rounds != step.times and loop.time() < end:
            rounds += 1
            try:
                async with asyncio.timeout_at(None if end == inf else end) as limit:
                    await self._follow(step.steps)
            except TimeoutError:
                if not limit.expired():
                    raise
            if not self._attendance.present and not _enters(step.steps):
                return

    async def _leave(self, _: Leave) -> None:
        await self._attendance.leave()

    async def _fall_silent(self, _: FallSilent) -> None:
        self._run.observe(FellSilent(self._role.room, self._role.name))
        self._attendance.fall_silent()

    async def _chatter(self, step: Chatter) -> None:
        loop, chance = asyncio.get_running_loop(), self._chance
        lines = step.lines or self._role.lines
        interval = 1 / (step.rate * self._settings.speed)
        end = inf if step.seconds is None else loop.time() + step.seconds / self._settings.speed
        due = loop.time() + chance.uniform(0, interval)  # or all who start together would speak together
        while due < end and self._attendance.present:
            await self._attendance.linger(due - loop.time())
            self._speak(chance.choice(lines))
            # The schedule is kept, not the pauses; but what was missed isn't made up for in a burst.
            due = max(due + interval * chance.uniform(1 - step.jitter, 1 + step.jitter), loop.time() - interval)
        if end != inf and self._attendance.present:
            await self._attendance.linger(end - loop.time())

    def _speak(self, text: str) -> None:
        try:
            self._attendance.say(self._role.fill(text))
        except (MessageTooLongError, WrongKeyError) as error:
            raise PlayError(f"{self._role.name} can't say a line of the scenario: {error}") from None

    async def _come(
        self, refused: str | None, doors: Sequence[Door], patience: Mapping[Status | None, float], what: str
    ) -> None:
        self._attendance.lock_out(refused is None)
        try:
            await self._knock(refused, doors, patience, what)
        except BaseException:
            self._attendance.lock_out(False)
            raise

    async def _knock(
        self, refused: str | None, doors: Sequence[Door], patience: Mapping[Status | None, float], what: str
    ) -> None:
        loop = asyncio.get_running_loop()
        started, delay, attempt = loop.time(), _FIRST_DELAY_SECONDS, 0
        while True:
            self._heard.clear()
            status = await self._attendance.come(doors[attempt % len(doors)])
            reason = "unreachable" if status is None else status.reason
            attempt += 1
            if refused == reason:
                self._refused(status)
                return
            if status is Status.OK and refused is None:
                return
            limit = self._patience if status in _PASSING else patience.get(status, 0)
            if loop.time() + delay > started + limit:
                self._refused(status)
                raise PlayError(self._rejection(status, refused, what))
            if attempt >= len(doors):  # each door is tried at once, then all again after a pause
                await asyncio.sleep(delay)
                delay = min(2 * delay, _MAX_DELAY_SECONDS)

    @property
    def _patience(self) -> float:
        return self._settings.patience_seconds or inf

    def _door(self, way_in: Callable[..., Any]) -> Door:
        own, others = self._role.password, self._settings.password.get_secret_value()
        text = self._settings.room_key.get_secret_value() if self._role.room_key is None else self._role.room_key
        key = RoomKey.parse(text) if text else None
        return partial(
            way_in,
            self._role.room,
            self._role.name,
            server=self._settings.server,
            password=others if own is None else own,
            tls=self._settings.proof,
            rejoin=self._run.rejoin,
            transport=self._settings.transport,
            **({"sealed": key or False} if way_in is create_room else {"key": key}),
            receipts=False,  # what is repeated until it arrives would hide the loss that bots measure
        )

    def _refused(self, status: Status | None) -> None:
        if status not in {None, Status.OK}:
            self._run.observe(Refused(self._role.room, self._role.name, status))

    def _rejection(self, status: Status | None, refused: str | None, what: str) -> str:
        answer = self._attendance.unreachable if status is None else status.message
        expectation = f", though {refused} was expected" if refused else ""
        return f"{self._role.name} couldn't {what}{expectation}: {answer}"

    def _filled(self, step: Expect) -> dict[str, str | None]:
        sender = step.sender
        if sender not in {None, "server"}:
            sender = self._role.prefix + self._role.fill(sender)
        return {"sender": sender, "text": step.text and self._role.fill(step.text)}

    def _disappointment(self, wanted: Expect) -> str:
        what = f'"{wanted.text}"' if wanted.text else f"/{wanted.regex}/"
        sender = f" from {wanted.sender}" if wanted.sender else ""
        return f"{self._role.name} waited {wanted.within_seconds:g} s for {what}{sender}, which never came."

    _do: ClassVar[dict[type[Step], Callable[[Any, Any], Awaitable[None]]]] = {
        Create: _create,
        Join: _join,
        Enter: _enter,
        Lobby: _lobby,
        Say: _say,
        Wait: _wait,
        Expect: _expect,
        Repeat: _repeat,
        Leave: _leave,
        FallSilent: _fall_silent,
        Chatter: _chatter,
    }


def _enters(steps: Sequence[AnyStep]) -> bool:
    return any(
        isinstance(step, Create | Enter | Lobby) or (isinstance(step, Repeat) and _enters(step.steps)) for step in steps
    )
