"""From a scenario to the parts that bots play: names filled in, counted and copied."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot_client.scenario import Bot, Scenario, fill
from bot_client.source import ScenarioError
from bot_client.steps import AnyStep
from chatproto import BadNameError, check_room_name, check_user_name


@dataclass(frozen=True, slots=True)
class Role:
    """One bot's part."""

    name: str
    room: str | None
    start_seconds: float
    steps: Sequence[AnyStep]
    lines: Sequence[str]
    """What chatter without lines of its own says."""
    prefix: str
    id: str
    copy: int
    n: int
    password: str | None = field(default=None, repr=False)
    """Of the room; None leaves it to the settings."""
    room_key: str | None = field(default=None, repr=False)
    """Of a sealed room; None leaves it to the settings."""

    def fill(self, text: str) -> str:
        """Put this bot's values in place of a text's placeholders."""
        return fill(text, id=self.id, copy=self.copy, n=self.n)


def cast(scenario: Scenario, process_id: str, name_prefix: str = "") -> list[Role]:
    """Turn a scenario into roles: ``count`` for each bot, all of it ``copies`` times.

    Raises:
        ScenarioError: a name can't be used once it is filled in.

    """
    return [
        _role(scenario, bot, process_id, name_prefix, copy, n)
        for copy in range(1, scenario.copies + 1)
        for bot in scenario.bots
        for n in range(1, bot.count + 1)
    ]


def _role(scenario: Scenario, bot: Bot, process_id: str, prefix: str, copy: int, n: int) -> Role:
    name = prefix + fill(bot.name, id=process_id, copy=copy, n=n)
    room = None if bot.room is None else fill(bot.room, id=process_id, copy=copy, n=n)
    try:
        check_user_name(name.encode("utf-8", "surrogatepass"))
        check_room_name((room or "-").encode("utf-8", "surrogatepass"))
    except BadNameError as error:
        raise ScenarioError(f"The bot {name!r} can't play in {room!r}: {error}") from None
    return Role(
        name=name,
        room=room,
        start_seconds=bot.start_seconds + (n - 1) * bot.every_seconds,
        steps=bot.steps,
        lines=scenario.lines,
        prefix=prefix,
        id=process_id,
        copy=copy,
        n=n,
        password=bot.password,
        room_key=bot.room_key,
    )
