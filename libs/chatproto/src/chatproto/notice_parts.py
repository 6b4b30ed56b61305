"""Divide a list of people into notices that each travel in one packet, in either form (MOD-02)."""

from collections.abc import Callable, Sequence
from itertools import product
from json import JSONEncoder, dumps
from typing import Final, TypeAlias, TypeVar

from chatproto.lists import CONTINUED, BanList, ListedMember, MemberList
from chatproto.notice_codec import encode_notice, to_fields
from chatproto.notices import SERVER_PREFIX

LIST_BYTES: Final = 1200
"""A notice with names has so many at most: what is longer would travel in fragments."""
MAX_LIST_NOTICES: Final = 50

_SEPARATOR_BYTES: Final = 2
"""What every item adds besides itself: in prose a space before it and a sign after it, in JSON a comma and a space."""

_QUOTE: Final = JSONEncoder(ensure_ascii=False).encode
_BYTES_AROUND_NAME: Final = {
    flags: len(dumps(to_fields(ListedMember("", *flags)))) - len('""') for flags in product((False, True), repeat=3)
}
"""Of a member in JSON: a list has a thousand of them, so only the name is written to be measured."""

_Item = TypeVar("_Item", ListedMember, str)
_Part = TypeVar("_Part", MemberList, BanList)
_Make: TypeAlias = Callable[[tuple[_Item, ...], int, bool, int], _Part]
"""Makes a part of its items, its number, whether more parts follow, and how many items come in none."""


def list_members(members: Sequence[ListedMember], *, json: bool) -> list[MemberList]:
    """List a room's members in as many notices as that takes, `MAX_LIST_NOTICES` at most."""
    total = len(members)
    return _divide(
        members,
        lambda listed, part, more, unlisted: MemberList(listed, total, part, more, unlisted),
        f"{total} here:",
        json=json,
    )


def list_bans(names: Sequence[str], *, json: bool) -> list[BanList]:
    """List who is banned, in the same way."""
    return _divide(names, BanList, "Banned:", json=json)


def _divide(items: Sequence[_Item], make: _Make[_Item, _Part], title: str, *, json: bool) -> list[_Part]:
    if json:  # the largest that can stand around the items of any part
        first_bytes = other_bytes = len(encode_notice(make((), MAX_LIST_NOTICES, True, len(items)), json=True))
    else:
        first_bytes, other_bytes = len(SERVER_PREFIX + title), len(SERVER_PREFIX + CONTINUED)
    groups: list[list[_Item]] = [[]]
    left_bytes = LIST_BYTES - first_bytes
    for item in items:
        item_bytes = _size_of(item, json=json) + _SEPARATOR_BYTES
        if item_bytes > left_bytes:
            if len(groups) == MAX_LIST_NOTICES:
                break
            groups.append([])
            left_bytes = LIST_BYTES - other_bytes
        groups[-1].append(item)
        left_bytes -= item_bytes
    parts: list[_Part] = [make(tuple(group), number, True, 0) for number, group in enumerate(groups[:-1], start=1)]
    unlisted = len(items) - sum(map(len, groups))
    parts.append(_last(groups[-1], len(groups), unlisted, make, json=json))
    return parts


def _last(group: list[_Item], number: int, unlisted: int, make: _Make[_Item, _Part], *, json: bool) -> _Part:
    """Make the last part, which also says how many items there is no part for."""
    part = make(tuple(group), number, False, unlisted)
    while len(encode_notice(part, json=json)) > LIST_BYTES:
        group.pop()
        unlisted += 1
        part = make(tuple(group), number, False, unlisted)
    return part


def _size_of(item: ListedMember | str, *, json: bool) -> int:
    if not json:
        return len(str(item).encode())
    if isinstance(item, str):
        return len(_QUOTE(item).encode())
    return len(_QUOTE(item.name).encode()) + _BYTES_AROUND_NAME[item.host, item.muted, item.away]
