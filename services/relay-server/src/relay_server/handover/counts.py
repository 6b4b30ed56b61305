"""Counts as JSON, so that they go on in the next process: nobody's rate or sum shows a replacement (CON-01, CON-02)."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import product
from types import NoneType, UnionType
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

Json: TypeAlias = int | float | list[Any] | dict[str, Any]


def dump(counts: Any) -> dict[str, Json]:
    """Return a dataclass of counts: numbers, lists of them, dictionaries by reason, and such dataclasses."""
    found = {each.name: _dump(getattr(counts, each.name)) for each in fields(counts)}
    return {name: value for name, value in found.items() if value is not None}


def load(counts: Any, saved: Mapping[str, Any]) -> None:
    """Set the counts in place to what was dumped; what another version counted, and this one doesn't, is left out."""
    hints = get_type_hints(type(counts))
    for each in fields(counts):
        if each.name not in saved:
            continue
        value, found = saved[each.name], getattr(counts, each.name)
        if is_dataclass(found):
            load(found, value)
        elif isinstance(found, dict):
            by_name = {_name(key): key for key in _keys(hints[each.name], value)}
            found.update({by_name[name]: count for name, count in value.items() if name in by_name})
        elif not isinstance(found, list):
            setattr(counts, each.name, value)
        elif len(found) == len(value):  # else the bounds of a histogram are others
            found[:] = value


def _dump(value: object) -> Json | None:
    if is_dataclass(value):
        return dump(value)
    if isinstance(value, Mapping):
        return {_name(key): count for key, count in value.items()}
    if isinstance(value, list):
        return list(value)
    return value if isinstance(value, int | float) else None


def _name(key: object) -> str:
    """Return how a dictionary's key is written."""
    if isinstance(key, Enum):
        return key.name
    return " ".join(map(_name, key)) if isinstance(key, tuple) else str(key)


def _keys(hint: Any, names: Iterable[str]) -> Iterable[Any]:
    """Return the keys that a dictionary of this type may have; of numbers, those that are named."""
    key = get_args(hint)[0]
    return [int(name) for name in names] if key is int else _members(key)


def _members(key: Any) -> list[Any]:
    """Return all values of a type with few of them."""
    if get_origin(key) is tuple:
        return list(product(*map(_members, get_args(key))))
    if isinstance(key, UnionType):
        return [value for each in get_args(key) for value in _members(each)]
    return [None] if key is NoneType else list(key)
