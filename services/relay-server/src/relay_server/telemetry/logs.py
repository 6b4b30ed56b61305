"""Structured logs, for people or as JSON; nothing per packet, and never a token."""

import logging
from functools import partial
from typing import TextIO

import structlog

from relay_server.core import events


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
    match event:
        case events.RoomCreated(room):
            log.info("room_created", room=room)
        case events.RoomClosed(room, reason):
            log.info("room_closed", room=room, reason=str(reason))
        case events.MemberJoined(room, name):
            log.debug("member_joined", room=room, name=name)
        case events.MemberLeft(room, name):
            log.debug("member_left", room=room, name=name)
        case events.MemberEvicted(room, name, reason):
            log.info("member_evicted", room=room, name=name, reason=str(reason))
        case events.CommandObeyed(room, command):
            log.debug("command_obeyed", room=room, command=str(command))
        case events.LobbyClientEvicted(name, reason):
            log.info("lobby_client_evicted", name=name, reason=str(reason))
