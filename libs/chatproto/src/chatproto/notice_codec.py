"""Notices as the datagrams that members receive: in prose, or as a JSON object for those who asked for it (FEAT-03)."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from json import dumps, loads
from typing import Any, Final, TypeAlias, get_args

from chatproto.codes import EvictionReason, Status
from chatproto.commands import Command
from chatproto.json_values import harmless_text, read_exactly
from chatproto.lists import ListedMember
from chatproto.notices import (
    SERVER_PREFIX,
    Advice,
    Challenge,
    Disconnected,
    MessageDropped,
    Notice,
    NotRelayed,
    UnknownNotice,
    is_answer,
)
from chatproto.outcomes import Failure
from chatproto.refusal_codec import code_fields, read_code
from chatproto.refusals import Refusal

_Reader: TypeAlias = Callable[[Any], Any]


def encode_notice(notice: Notice, *, json: bool = False) -> bytes:
    """Write a notice as the message that members receive; ``json`` is for those who have the feature `notices`."""
    text = dumps(to_object(notice), ensure_ascii=False) if json else str(notice)
    return f"{SERVER_PREFIX}{text}".encode()


def parse_json_notice(message: str) -> Notice | UnknownNotice | None:
    """Read a message to a member that has the feature `notices`; None if a member said it.

    All text in it is made harmless to show in one line (UDP-11), for JSON can spell any character. What has a sentence
    for people, but is otherwise not understood, becomes an `Advice`.
    """
    if not message.startswith(SERVER_PREFIX):
        return None
    try:
        found = loads(message.removeprefix(SERVER_PREFIX))
    except (ValueError, RecursionError):
        return UnknownNotice()
    return read_notice(found) if isinstance(found, dict) else UnknownNotice()


def read_notice(found: dict[str, Any]) -> Notice | UnknownNotice:
    """Read a notice's object, as `parse_json_notice` does."""
    kind = found.get("notice")
    kind = kind if isinstance(kind, str) else ""
    try:
        notice: Notice = _from_object(_CLASSES[kind], found)
    except (KeyError, TypeError, ValueError):
        sentence = found.get("message")
        if isinstance(sentence, str) and sentence:
            return Advice(harmless_text(sentence))
        return UnknownNotice(harmless_text(kind))
    if isinstance(notice, Challenge) and not is_answer(notice.answer):
        return UnknownNotice(kind)
    return notice


def to_object(notice: Notice) -> dict[str, Any]:
    """Return a notice as a JSON object; what is false, zero or empty and may be missing is left out."""
    written: dict[str, Any] = {"notice": notice.KIND, **to_fields(notice)}
    if isinstance(notice, Disconnected | MessageDropped):
        written["message"] = notice.message
    return written


def to_fields(thing: Notice | ListedMember) -> dict[str, Any]:
    """Return what stands in a JSON object: the fields that say something."""
    known = ((name, default, getattr(thing, name)) for name, default in _FIELDS[type(thing)])
    return {name: _to_value(value) for name, default, value in known if value != default}


def _to_value(value: Any) -> Any:
    if isinstance(value, Refusal):
        return {"status": int(value.status), **code_fields(value)}
    if isinstance(value, tuple):
        return [to_fields(each) if isinstance(each, ListedMember) else each for each in value]
    return value


def _from_object(made: type[Any], found: dict[str, Any]) -> Any:
    """Make a notice of the keys that it knows.

    Raises:
        KeyError: one is missing.
        TypeError: one has a value of the wrong type.
        ValueError: one has a value that isn't known.

    """
    return made(
        **{
            field.name: _READERS[field.type](found[field.name])
            for field in fields(made)
            if field.name in found or field.default is MISSING
        }
    )


def _tuple_of(reader: _Reader) -> _Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise TypeError
        return tuple(map(reader, value))

    return read


def _listed_member(value: Any) -> ListedMember:
    if not isinstance(value, dict):
        raise TypeError
    listed: ListedMember = _from_object(ListedMember, value)
    return listed


def _refusal(value: Any) -> Refusal:
    if not isinstance(value, dict):
        raise TypeError
    return read_code(value, Status(value["status"]))


_READERS: Final[dict[Any, _Reader]] = {
    str: harmless_text,
    int: read_exactly(int),
    bool: read_exactly(bool),
    EvictionReason: EvictionReason,
    NotRelayed: NotRelayed,
    Failure: Failure,
    Command: Command,
    Command | None: Command,
    Refusal | None: _refusal,
    tuple[str, ...]: _tuple_of(harmless_text),
    tuple[ListedMember, ...]: _tuple_of(_listed_member),
}
_FIELDS: Final = {
    made: [(field.name, field.default) for field in fields(made)] for made in (*get_args(Notice), ListedMember)
}
"""Names and defaults, found once: a list has a thousand members."""
_CLASSES: Final[dict[str, type[Any]]] = {each.KIND: each for each in get_args(Notice)}
