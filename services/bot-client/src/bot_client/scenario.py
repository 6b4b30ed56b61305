"""What bots play: a scenario's model, read from YAML with errors that name the line."""

import re
from collections.abc import Sequence
from functools import partial
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from bot_client.settings import Settings
from bot_client.source import ScenarioError, Source
from bot_client.steps import (
    FORMS,
    STEPS,
    AnyStep,
    Chatter,
    Create,
    Enter,
    Expect,
    FallSilent,
    Leave,
    Lobby,
    Part,
    Repeat,
    Say,
    Seconds,
    Wait,
    all_of,
    check_lines,
    choice,
    fault,
    meant,
)
from chatproto import BadNameError, BadPasswordError, check_password, check_room_name, check_user_name
from chatproto.sealing import BadRoomKeyError, RoomKey

_PLACEHOLDERS: Final = ("id", "copy", "n")
_PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")
_SHIPPED: Final = resources.files("bot_client") / "scenarios"


class Bot(Part):
    """One part in the play, or ``count`` bots that play the same part."""

    name: str = Field(min_length=1)
    count: int = Field(1, ge=1, le=100_000)
    start_seconds: Seconds = 0
    every_seconds: Seconds = 0
    room: str | None = None
    password: str | None = Field(None, repr=False)
    room_key: str | None = Field(None, repr=False)
    steps: list[AnyStep] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_placeholders(self.name, "name")
        try:
            check_user_name(_sample(self.name))
        except BadNameError as error:
            raise fault(str(error).rstrip("."), "name") from None
        try:
            check_password(self.password or "")
        except BadPasswordError as error:
            raise fault(str(error).rstrip("."), "password") from None
        try:
            if self.room_key:
                RoomKey.parse(self.room_key)
        except BadRoomKeyError as error:
            raise fault(str(error).rstrip("."), "room_key") from None
        if self.count > 1 and "{n}" not in self.name:
            raise fault(f"{self.count} bots can't have one name: put {{n}} in it", "name")
        _Flow(in_room=self.room is not None).follow(self.steps, ("steps",))
        return self


class Scenario(Part):
    """The whole play."""

    title: str = Field(min_length=1)
    seconds: Seconds | None = None
    copies: int = Field(1, ge=1, le=10_000)
    markers: bool = False
    quiet: bool = False
    rejoin: bool = False
    rooms: list[str] = Field(default_factory=list)
    lines: list[str] = Field(default_factory=list)
    bots: list[Bot] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        checks = [partial(check_lines, self.lines)]
        checks += [partial(self._check_room, room, index) for index, room in enumerate(self.rooms)]
        checks += [partial(self._check_bot, bot, index) for index, bot in enumerate(self.bots)]
        faults = []
        for check in checks:
            try:
                check()
            except PydanticCustomError as error:
                faults.append(error)
        if faults:
            raise all_of(faults)
        return self

    def _check_room(self, room: str, index: int) -> None:
        here = ("rooms", index)
        _check_placeholders(room, *here)
        try:
            check_room_name(_sample(room))
        except BadNameError as error:
            raise fault(str(error).rstrip("."), *here) from None
        if self.rooms.index(room) != index:
            raise fault(f'the room "{room}" stands here twice', *here)
        if self.copies > 1 and "{copy}" not in room:
            raise fault(f"{self.copies} copies can't share a room: put {{copy}} in its name", *here)

    def _check_bot(self, bot: Bot, index: int) -> None:
        here = ("bots", index)
        if [other.name for other in self.bots].index(bot.name) != index:
            raise fault(f'the name "{bot.name}" stands here twice', *here, "name")
        if self.copies > 1 and "{copy}" not in bot.name:
            raise fault(f"{self.copies} copies can't share a name: put {{copy}} in it", *here, "name")
        if bot.room is not None and bot.room not in self.rooms:
            known = choice(self.rooms) if self.rooms else 'list it under "rooms" first'
            raise fault(f'the room "{bot.room}" is unknown: {known}', *here, "room")
        if not self.lines and (bare := _bare_chatter(bot.steps)):
            raise fault('"chatter" needs lines, here or at the top of the scenario', *here, "steps", *bare)


def parse_scenario(text: str, name: str, settings: Settings) -> Scenario:
    """Read a scenario from YAML; ``name`` is what errors call the file.

    Raises:
        ScenarioError: something in it is wrong.

    """
    variables = {"BOT_ROOMS": settings.rooms, "BOT_MEMBERS": settings.members, "BOT_RATE": settings.rate}
    source = Source(text, name, variables)
    if not isinstance(source.data, dict):
        raise source.fault((), "a scenario is a mapping that begins with a title")
    try:
        return Scenario.model_validate(source.data)
    except ValidationError as error:
        faults = [
            source.fault((*each["loc"], *each.get("ctx", {}).get("path", ())), _sentence(each))
            for each in error.errors()
        ]
        raise ScenarioError("\n".join(dict.fromkeys(map(str, faults)))) from None


def load_scenario(name: str, settings: Settings) -> Scenario:
    """Read a shipped scenario by its name, or a file by its path.

    Raises:
        ScenarioError: there is none, it can't be read, or something in it is wrong.

    """
    shipped = shipped_scenarios()
    if name in shipped:
        return parse_scenario(shipped[name].read_text("utf-8"), f"{name}.yaml", settings)
    try:
        text = Path(name).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ScenarioError(f"{name} isn't UTF-8 text: write the scenario in UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ScenarioError(
            f"The scenario {name} can't be read ({reason}): name a file or {choice(shipped)}."
        ) from None
    return parse_scenario(text, name, settings)


def shipped_scenarios() -> dict[str, Traversable]:
    """Map the names of the scenarios that come with the program to their files."""
    files = sorted(_SHIPPED.iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".yaml"): file for file in files if file.name.endswith(".yaml")}


def fill(text: str, *, id: str, copy: int, n: int) -> str:  # noqa: A002 - the placeholder's own name
    """Put values in place of ``{id}``, ``{copy}`` and ``{n}``; other braces stay."""
    return text.replace("{id}", id).replace("{copy}", str(copy)).replace("{n}", str(n))


class _Flow:
    """Follow steps as a bot would, to find those that can't be done where they stand."""

    def __init__(self, *, in_room: bool) -> None:
        self._has_room = in_room
        self._state = "out"

    def follow(self, steps: Sequence[AnyStep], path: tuple[str | int, ...]) -> None:
        for index, step in enumerate(steps):
            here = (*path, index)
            if isinstance(step, Repeat):
                self._repeat(step, (*here, "repeat"))
            elif isinstance(step, Create | Enter | Lobby):
                self._come(step, here)
            else:
                self._stay(step, here)

    def _repeat(self, step: Repeat, here: tuple[str | int, ...]) -> None:
        if step.times is None and not _takes_time(step.steps):
            raise fault('"repeat" without "times" needs a wait, expect or chatter in it, or it never rests', *here)
        self.follow(step.steps, (*here, "steps"))
        self.follow(step.steps, (*here, "steps"))  # the second round begins where the first ended

    def _come(self, step: Create | Enter | Lobby, here: tuple[str | int, ...]) -> None:
        if not isinstance(step, Lobby) and not self._has_room:
            raise fault(f'"{_name(step)}" needs the bot\'s "room"', *here)
        if not (isinstance(step, Create) and step.refused):
            self._state = "in"

    def _stay(self, step: AnyStep, here: tuple[str | int, ...]) -> None:
        if self._state == "out" and not isinstance(step, Wait):
            raise fault(f'"{_name(step)}" stands where the bot is in no room or lobby: enter one first', *here)
        if self._state == "silent" and isinstance(step, Say | Chatter | FallSilent):
            raise fault(f'"{_name(step)}" stands where the bot has fallen silent: enter again first', *here)
        if isinstance(step, Leave):
            self._state = "out"
        elif isinstance(step, FallSilent):
            self._state = "silent"


def _takes_time(steps: Sequence[AnyStep]) -> bool:
    return any(
        isinstance(step, Wait | Chatter | Expect) or (isinstance(step, Repeat) and _takes_time(step.steps))
        for step in steps
    )


def _bare_chatter(steps: Sequence[AnyStep]) -> tuple[str | int, ...]:
    for index, step in enumerate(steps):
        if isinstance(step, Chatter) and step.lines is None:
            return (index,)
        if isinstance(step, Repeat) and (inner := _bare_chatter(step.steps)):
            return (index, "repeat", "steps", *inner)
    return ()


def _name(step: AnyStep) -> str:
    return next(name for name, kind in STEPS.items() if type(step) is kind)


def _sample(name: str) -> bytes:
    return fill(name, id="0", copy=0, n=0).encode("utf-8", "surrogatepass")


def _check_placeholders(text: str, *path: str | int) -> None:
    for found in _PLACEHOLDER.finditer(text):
        if found[1] not in _PLACEHOLDERS:
            raise fault(f"{found[0]} can't be filled in: {choice(f'{{{name}}}' for name in _PLACEHOLDERS)}", *path)


def _sentence(error: ErrorDetails) -> str:
    """Say what pydantic found in words for who wrote the file."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "fault":
        return str(context["message"])
    name = next(
        (str(part) for part in reversed(error["loc"]) if isinstance(part, str) and part not in FORMS),
        "the scenario",
    )
    if kind == "missing":
        return f'"{name}" is missing'
    if kind.startswith("union_tag"):
        tag = context.get("tag")
        if tag:
            return f'the step "{tag}" is unknown: {meant(str(tag), STEPS)}'
        return f"a step is one word, or one word with a value: {choice(STEPS)}"
    wish = _WISHES.get(kind, "is wrong ({msg})").format(msg=error["msg"], **context)
    return f'"{name}" {wish}' if name in {"password", "room_key"} else f'"{name}" {wish}, not {_shown(error["input"])}'


_NUMBER: Final = "has to be a number"
_WISHES: Final = {
    "string_type": "has to be text (quote it)",
    "string_too_short": "has to be text with at least one character",
    "float_type": _NUMBER,
    "int_type": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "bool_type": "has to be true or false",
    "list_type": "has to be a list",
    "too_short": "needs at least {min_length} in its list",
    "too_long": "takes at most {max_length} in its list",
    "model_type": "has to be a mapping",
    "finite_number": _NUMBER,
    "greater_than": "has to be more than {gt:g}",
    "greater_than_equal": "has to be {ge:g} or more",
    "less_than_equal": "has to be at most {le:g}",
}


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "nothing" if value is None else repr(value)[:60]
