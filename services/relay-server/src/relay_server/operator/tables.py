"""Answers of a relay as people read them; names come from strangers, so nothing in them drives a terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from wcwidth import wcswidth

Row: TypeAlias = Mapping[str, Any]
Column: TypeAlias = tuple[str, Callable[[Row], str]]

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def show_text(text: str) -> str:
    """Write what can't be shown, and what reorders or hides the text around it, as escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def show_duration(seconds: float) -> str:
    """Write a duration in its two largest units."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02}m"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02}h"


def _text(key: str) -> Callable[[Row], str]:
    return lambda row: "-" if row.get(key) is None else show_text(str(row[key]))


def _duration(key: str) -> Callable[[Row], str]:
    return lambda row: "-" if row.get(key) is None else show_duration(row[key])


def _flag(key: str) -> Callable[[Row], str]:
    return lambda row: "yes" if row.get(key) else "-"


_ROOMS: Final[Sequence[Column]] = (
    ("ROOM", _text("room")),
    ("HOST", _text("host")),
    ("MEMBERS", _text("members")),
    ("STREAMS", _text("streams")),
    ("AGE", _duration("age_seconds")),
    ("PASSWORD", _flag("password")),
    ("TOPIC", _text("topic")),
)
_MEMBERS: Final[Sequence[Column]] = (
    ("NAME", _text("name")),
    ("IP", _text("ip")),
    ("PORT", _text("port")),
    ("TRANSPORT", _text("transport")),
    ("AWAY", _flag("away")),
    ("AGE", _duration("age_seconds")),
    ("SILENT", _duration("silence_seconds")),
    ("HOST", _flag("host")),
    ("MUTED", _flag("muted")),
)

_NODES: Final[Sequence[Column]] = (
    ("NODE", lambda row: show_text(row["node"]) + (" (this one)" if row["this"] else "")),
    ("ADDRESS", _text("address")),
    ("ROOMS", _text("rooms")),
    ("MEMBERS", _text("members")),
    ("HEARD", _duration("beat_age_seconds")),
    ("UP", _duration("up_seconds")),
    ("VERSION", _text("version")),
    ("DRAINING", _flag("draining")),
)
_ALL_ROOMS: Final[Sequence[Column]] = (("NODE", _text("node")), *_ROOMS)

_BANS: Final[Sequence[Column]] = (("NAME", _text("name")), ("ADDRESS", _text("address")))


def _table(rows: Iterable[Row], columns: Sequence[Column]) -> str:
    lines = [[title for title, _ in columns], *([write(row) for _, write in columns] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(map(_pad, line, widths)) for line in lines)
    return "".join(f"{line.rstrip()}\n" for line in padded)


def _pad(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Return how many columns of a terminal the text takes: kanji take two each."""
    return max(wcswidth(text), 0)


def _show_drain(row: Row) -> str:
    if row["at_once"]:
        return f"The relay ends now; {_people(row['people'])} told.\n"
    until = "the last one has left"
    if row["seconds"] is not None:
        until += f", or {show_duration(row['seconds'])} are over"
    return f"Nobody is let in any more. The relay ends when {until}; {_people(row['people'])} there.\n"


def _show_replacement(row: Row) -> str:
    before, after = row["version_before"], row["version"]
    version = f"version {after}" if before == after else f"version {after} after {before}"
    rooms = "one room" if row["rooms"] == 1 else f"{row['rooms']} rooms"
    return (
        f"A new process (pid {row['pid']}, {version}) has the relay: {rooms}, {_people(row['members'])}. "
        f"It took {row['bytes']} bytes of state in format {row['format']}; the chat paused for {row['pause_ms']} ms.\n"
    )


def _show_nodes(rows: Sequence[Row]) -> str:
    silent = [row["node"] for row in rows if not row["answers"]]
    return _table(rows, _NODES) + "".join(
        f"{show_text(name)} doesn't answer over its link: how many members it has isn't known.\n" for name in silent
    )


def _show_all_rooms(rows: Sequence[Row]) -> str:
    rooms = [row for row in rows if row["room"] is not None]
    silent = [row["node"] for row in rows if row["room"] is None]
    table = _table(rooms, _ALL_ROOMS) if rooms else "There are no rooms.\n"
    return table + "".join(
        f"{show_text(name)} doesn't answer over its link: its rooms aren't listed.\n" for name in silent
    )


def _show_left(row: Row | None) -> str:
    if row is None:
        return "The relay has ended.\n"
    if not row["people"]:
        return "All rooms are on other nodes, and nobody is there any more: the relay ends.\n"
    return f"All rooms are on other nodes. The relay ends when the last one has left; {_people(row['people'])} there.\n"


def _name_ban(row: Row) -> str:
    """Name whom a ban is for, and its address if that is banned too."""
    return show_text(row["name"] if row["address"] is None else f"{row['name']} ({row['address']})")


def _show_kick(row: Row) -> str:
    name, room = show_text(row["name"]), show_text(row["room"])
    return f"{name} is out of {room}, {'which closed with its host' if row['closed'] else 'and may come back'}.\n"


def _people(count: int) -> str:
    return "one member" if count == 1 else f"{count} members"


SHOWN: Final[Mapping[str, Callable[[Sequence[Row]], str]]] = {
    "rooms": lambda rows: _table(rows, _ROOMS) if rows else "There are no rooms.\n",
    "all_rooms": _show_all_rooms,
    "nodes": _show_nodes,
    "members": lambda rows: _table(rows, _MEMBERS) if rows else "Nobody is in the room.\n",
    "bans": lambda rows: _table(rows, _BANS) if rows else "Nobody is banned.\n",
    "kick": lambda rows: _show_kick(rows[0]),
    "ban": lambda rows: f"{_name_ban(rows[0])} is banned from {show_text(rows[0]['room'])}.\n",
    "unban": lambda rows: "".join(f"{_name_ban(row)} may come into {show_text(row['room'])} again.\n" for row in rows),
    "close": lambda rows: f"{show_text(rows[0]['room'])} is closed; it had {_people(rows[0]['members'])}.\n",
    "drain": lambda rows: _show_drain(rows[0]),
    "stop": lambda rows: f"The relay ends now; {_people(rows[0]['people'])} told.\n",
    "replace": lambda rows: _show_replacement(rows[0]),
    "left": lambda rows: _show_left(rows[0] if rows else None),
}
"""How each command's answer is written."""
