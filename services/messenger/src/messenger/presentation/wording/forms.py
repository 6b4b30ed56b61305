"""English words with fields, found among those that there are translations of."""

import re
from collections.abc import Iterable
from functools import lru_cache

from messenger.presentation.i18n import _

_FIELD = re.compile(r"\{(\w+)\}")
_NUMBERS = frozenset({"bytes", "count", "limit", "more", "size"})


def translated(text: str, forms: Iterable[str]) -> str | None:
    """Return a text in the chosen language if it has one of the forms.

    Args:
        text: harmless to show, and so is what comes back.
        forms: such as ``The room name has {size} bytes: use at most {limit}.``.

    """
    for form in forms:
        if found := _pattern(form).fullmatch(text):
            return _(form).format(**found.groupdict())
    return None


@lru_cache(maxsize=256)
def _pattern(form: str) -> re.Pattern[str]:
    # Splitting by a group leaves text and fields in turns.
    parts = _FIELD.split(form)
    fields = [rf"(?P<{name}>{'[0-9]+' if name in _NUMBERS else '.+'})" for name in parts[1::2]]
    texts = [re.escape(part) for part in parts[::2]]
    return re.compile("".join(sum(zip(texts, [*fields, ""], strict=True), ())))
