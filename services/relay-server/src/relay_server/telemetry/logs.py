"""Structured logs, for people or as JSON; nothing per packet, and never a token."""

import logging
import re
from enum import StrEnum
from functools import cache, partial
from typing import Final, TextIO

import structlog

from relay_server.core import events

_USUAL: Final = (events.MemberJoined, events.MemberLeft, events.CommandObeyed)
"""So frequent that only who looks for details wants them."""


def configure_logs(*, level: str, json: bool, stream: TextIO) -> None:
    """Set up the one place that log records go to; it must not block, see `telemetry.aside`."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), repr_native_str=True)  # names may drive terminals
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    logging.lastResort = _Bridge(logging.WARNING)


class _Bridge(logging.Handler):
    """Writes what libraries have to say in the form of all other records."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, "library", source=record.name, message=record.getMessage(), exc_info=record.exc_info
        )


def event_logger() -> events.Observer:
    """Return an observer that writes the core's facts to the log as it is configured now."""
    return partial(_write, structlog.get_logger().bind())


def _write(log: structlog.typing.FilteringBoundLogger, event: events.Event) -> None:
    """Write a fact under its class's name, unless nobody wants to see it."""
    level = logging.DEBUG if isinstance(event, _USUAL) else logging.INFO
    if not log.is_enabled_for(level):
        return
    values = {each: getattr(event, each) for each in event.__match_args__}
    shown = {each: str(value) if isinstance(value, StrEnum) else value for each, value in values.items()}
    log.log(level, _name_of(type(event).__name__), **shown)


@cache
def _name_of(kind: str) -> str:
    """Return what the log calls a fact, ``RoomCreated`` as ``room_created``."""
    return re.sub("(?<!^)[A-Z]", r"_\g<0>", kind).lower()
