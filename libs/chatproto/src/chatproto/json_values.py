"""Values that a stranger's JSON brings: of the right type, and harmless to show."""

from collections.abc import Callable
from typing import Any, TypeVar

from chatproto.text import sanitize

Kind = TypeVar("Kind")


def read_exactly(kind: type[Kind]) -> Callable[[Any], Kind]:
    """Return what reads a value of this type: a JSON true is no number, although Python's is.

    What it returns raises TypeError for any other value.
    """

    def read(value: Any) -> Kind:
        if type(value) is not kind:
            raise TypeError
        return value

    return read


def harmless_text(value: Any) -> str:
    """Read a text, and make it harmless to show in one line (UDP-11).

    Raises:
        TypeError: it is none.

    """
    if not isinstance(value, str):
        raise TypeError
    # JSON can spell lone surrogates, which nothing can encode again.
    return sanitize(value.encode(errors="replace").decode())
