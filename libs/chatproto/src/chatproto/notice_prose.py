"""Read what a relay says in prose: the few notices that plain clients act on, and advice (UDP-09).

Relays that don't know the feature `notices`, or no codes of refusals, say everything so; nothing else of ours reads
sentences.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from chatproto.codes import EvictionReason, Status
from chatproto.notices import (
    ANSWER,
    PASSWORD_REMOVED,
    PASSWORD_SET,
    SERVER_PREFIX,
    Advice,
    Challenge,
    Disconnected,
    HostChanged,
    MemberEvicted,
    MemberJoined,
    MemberLeft,
    PasswordState,
    Topic,
)

ProseNotice: TypeAlias = (
    Disconnected | MemberJoined | MemberLeft | MemberEvicted | HostChanged | Topic | Challenge | PasswordState | Advice
)

_REASONS = "|".join(EvictionReason)
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], ProseNotice]], ...] = (
    # A topic comes first, for it may read like any other.
    (re.compile(r"topic: (.+)|no topic"), lambda found: Topic(found[1] or "")),
    (re.compile(rf"disconnected: ({_REASONS})"), lambda found: Disconnected(EvictionReason(found[1]))),
    (
        re.compile(rf"(.+) was disconnected: ({_REASONS})"),
        lambda found: MemberEvicted(found[1], EvictionReason(found[2])),
    ),
    (re.compile(r"(.+) joined"), lambda found: MemberJoined(found[1])),
    (re.compile(r"(.+) left"), lambda found: MemberLeft(found[1])),
    (re.compile(r"(.+) is the host now"), lambda found: HostChanged(found[1])),
    (re.compile(rf"can you hear me\? {ANSWER}([0-9a-f]{{16}})"), lambda found: Challenge(found[1])),
    (re.compile(re.escape(PASSWORD_SET)), lambda _: PasswordState(set=True, changed=True)),
    (re.compile(re.escape(PASSWORD_REMOVED)), lambda _: PasswordState(set=False, changed=True)),
)


def parse_notice(message: str) -> ProseNotice | None:
    """Read a message as a notice; None if a member said it."""
    if not message.startswith(SERVER_PREFIX):
        return None
    text = message.removeprefix(SERVER_PREFIX)
    for form, notice_of in _FORMS:
        if found := form.fullmatch(text):
            return notice_of(found)
    return Advice(text)


def more_than(status: Status, message: str) -> str:
    """Return the sentence of a refusal without a code, if it says more than the status; else nothing (TCP-06)."""
    return "" if message == status.message else message
