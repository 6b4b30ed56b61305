"""What a bot can do: the steps of a scenario, each with its keys and what is allowed in them."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Final, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from chatproto import Status, sanitize

MAX_SAID_BYTES: Final = 2000
"""Leaves room for names, a token and a marker in a datagram's 4096 bytes."""

FORMS: Final = ("(number)", "(list)")
"""Tags that validation puts into an error's path where a key may hold either."""

Seconds = Annotated[float, Field(ge=0, le=1e9)]


def choice(names: Iterable[str]) -> str:
    """Say what is allowed, such as ``use a, b or c``; or that nothing is."""
    *others, last = list(names) or ["none"]
    return f"use {', '.join(others)} or {last}" if others else f"use {last}"


def meant(word: str, names: Iterable[str]) -> str:
    """Say which of the names somebody may have meant, if any, and what is allowed."""
    names = list(names)
    close = get_close_matches(word, names, n=1)
    allowed = choice(names)
    return f"did you mean {close[0]}? {allowed.capitalize()}" if close else allowed


def all_of(faults: Iterable[PydanticCustomError], others: ValidationError | None = None) -> ValidationError:
    """Make one error of several, so that all mistakes are told at once; ``others`` were found by pydantic."""
    found = [InitErrorDetails(type=each, input=None) for each in faults]
    for each in others.errors() if others else ():
        kind = PydanticCustomError("fault", "{message}", each["ctx"]) if each["type"] == "fault" else each["type"]
        found.append(InitErrorDetails(type=kind, loc=each["loc"], input=each["input"], ctx=each.get("ctx", {})))
    return ValidationError.from_exception_data("scenario", found)


def fault(message: str, *path: str | int) -> PydanticCustomError:
    """Make a validation error for what stands at a path below the model that raises it."""
    return PydanticCustomError("fault", "{message}", {"message": message, "path": path})


class Part(BaseModel):
    """A mapping in a scenario: strict types, no unknown keys."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _know_the_keys(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        data = cls._mapping(data)
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [key for key in data if key not in known] if isinstance(data, dict) else []
        if not unknown:
            return handler(data)
        faults = [fault(f'the key "{key}" is unknown here: {meant(str(key), known)}', key) for key in unknown]
        try:
            handler({key: value for key, value in data.items() if key in known})
        except ValidationError as error:
            raise all_of(faults, error) from None
        raise all_of(faults)

    @classmethod
    def _mapping(cls, data: Any) -> Any:
        return data


class Step(Part):
    """One thing that a bot does: a word, ``word: value`` for its main key, or ``word: {key: value}``."""

    main_key: ClassVar[str | None] = None

    @classmethod
    def _mapping(cls, data: Any) -> Any:
        inner = next(iter(data.values())) if isinstance(data, dict) else None
        if inner is None:
            return {}
        if isinstance(inner, dict):
            return inner
        if cls.main_key is None:
            raise fault(f'"{step_name(data)}" stands alone or has keys in a mapping')
        return {cls.main_key: inner}


class Create(Step):
    """Create the bot's room and so become its host."""

    refused: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        reasons = [status.reason for status in Status if status is not Status.OK]
        if self.refused is not None and self.refused not in reasons:
            raise fault(f'"{self.refused}" is no reason of a refusal: {choice(reasons)}', "refused")
        return self


class Join(Create):
    """Join the bot's room; wait for it to be created, unless a refusal is what is expected."""

    within_seconds: Seconds = 10


class Enter(Step):
    """Be in the bot's room: join it, or create it if there is none; nothing to do for who is in it."""


class Lobby(Step):
    """Enter the lobby."""


class Say(Step):
    """Say one line."""

    main_key = "text"
    text: str = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_said(self.text, "text")
        return self


class Wait(Step):
    """Wait so long, or a random time between the two; a bot that loses its membership waits no longer."""

    main_key = "seconds"
    seconds: Annotated[
        Annotated[Seconds, Tag(FORMS[0])] | Annotated[list[Seconds], Field(min_length=2, max_length=2), Tag(FORMS[1])],
        Discriminator(lambda value: FORMS[isinstance(value, list)]),
    ]

    @property
    def bounds(self) -> tuple[float, float]:
        """The shortest and the longest wait."""
        shortest, longest = sorted(self.seconds) if isinstance(self.seconds, list) else (self.seconds,) * 2
        return shortest, longest


class Expect(Step):
    """Wait for a line that has the text in it or matches the regular expression."""

    main_key = "text"
    text: str | None = None
    regex: str | None = None
    sender: str | None = Field(None, alias="from")
    within_seconds: Seconds = 10

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.text is None) == (self.regex is None):
            raise fault('"expect" needs either "text" or "regex"')
        try:
            re.compile(self.regex or "")
        except re.error as error:
            raise fault(f"the regular expression is wrong ({error})", "regex") from None
        return self

    def matches(self, sender: str | None, text: str) -> bool:
        """Tell whether a line is the one that is waited for; the relay itself is ``server``."""
        if self.sender is not None and sender != self.sender:
            return False
        return re.search(self.regex, text) is not None if self.regex else str(self.text) in text


class Leave(Step):
    """Leave; a host's room closes."""


class FallSilent(Step):
    """Send nothing any more, not even keep-alives, as if the machine had died."""


class Chatter(Step):
    """Say random lines, without any the scenario's, so many a second; jitter is a share of the interval."""

    main_key = "lines"
    lines: list[str] | None = Field(None, min_length=1)
    rate: float = Field(0.2, gt=0, le=10_000)
    jitter: float = Field(0.5, ge=0, le=1)
    seconds: Seconds | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_lines(self.lines or ())
        return self


class Repeat(Step):
    """Do steps again: so many times, for so long, or without either till the end."""

    times: int | None = Field(None, ge=1)
    seconds: Seconds | None = None
    steps: "list[AnyStep]" = Field(min_length=1)


def step_name(data: Any) -> str:
    """Name the step that a node stands for; an unknown one is named too, and then refused."""
    if isinstance(data, str):
        return data
    if isinstance(data, dict) and len(data) == 1:
        return str(next(iter(data)))
    return ""


AnyStep = Annotated[
    Annotated[Create, Tag("create")]
    | Annotated[Join, Tag("join")]
    | Annotated[Enter, Tag("enter")]
    | Annotated[Lobby, Tag("lobby")]
    | Annotated[Say, Tag("say")]
    | Annotated[Wait, Tag("wait")]
    | Annotated[Expect, Tag("expect")]
    | Annotated[Repeat, Tag("repeat")]
    | Annotated[Leave, Tag("leave")]
    | Annotated[FallSilent, Tag("fall_silent")]
    | Annotated[Chatter, Tag("chatter")],
    Discriminator(step_name),
]
STEPS: Final[dict[str, type[Step]]] = {tag.tag: kind for kind, tag in map(get_args, get_args(get_args(AnyStep)[0]))}
"""Every step by its word."""


def check_lines(lines: Iterable[str]) -> None:
    """Refuse what can't be said in one line, as it is: the relay would change or drop it."""
    for index, line in enumerate(lines):
        _check_said(line, "lines", index)


def _check_said(text: str, *path: str | int) -> None:
    if not text.strip():
        raise fault("a line to say has at least one visible character", *path)
    if sanitize(text) != text:
        raise fault("a line to say has no line breaks or control characters", *path)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_SAID_BYTES:
        raise fault(f"a line to say has at most {MAX_SAID_BYTES} bytes", *path)
