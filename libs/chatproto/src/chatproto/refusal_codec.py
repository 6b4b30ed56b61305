"""Refusals as JSON says them, to who asked for facts and to who didn't (TCP-06, FEAT-04)."""

from collections.abc import Callable
from typing import Any, Final

from chatproto.codes import Status
from chatproto.json_values import harmless_text, read_exactly
from chatproto.notice_prose import more_than
from chatproto.refusals import Refusal, RefusalCode
from chatproto.text import sanitize

CODE: Final = "code"


def code_fields(refusal: Refusal) -> dict[str, object]:
    """Return the code and its fields: the status's reason if that says it all, and nothing if no code does."""
    code = refusal.code or ("" if refusal.said else refusal.status.reason)
    return {CODE: str(code), **refusal.fields} if code else {}


def read_refusal(found: dict[str, Any], status: Status, message: str) -> Refusal:
    """Read a reply of whichever relay; what has no code that is known here is left to the ``message``.

    All text in it is made harmless to show in one line (UDP-11).
    """
    if CODE not in found and found.get("banned") is True:  # which relays said before they had codes (MOD-04)
        return Refusal(status, RefusalCode.BANNED)
    try:
        return read_code(found, status)
    except (KeyError, TypeError, ValueError):
        return Refusal(status, said=sanitize(more_than(status, message)))


def read_code(found: dict[str, Any], status: Status) -> Refusal:
    """Read the code and its fields.

    Raises:
        KeyError: one is missing.
        TypeError: one has a value of the wrong type.
        ValueError: the code isn't known.

    """
    if found[CODE] == status.reason:
        return Refusal(status)
    code = RefusalCode(found[CODE])
    return Refusal(status, code, **{name: _READERS[name](found[name]) for name in code.fields})


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "character": harmless_text,
    **dict.fromkeys(("count", "size", "limit"), read_exactly(int)),
}
