"""What the parts of a message are besides plain text; on the way it is plain text, and so it is for everybody else."""

import re
from collections.abc import Iterator
from typing import Final

from chatproto.text import NEWLINE_SIGN
from messenger.core.history import Line
from messenger.core.hyperlinks import Look, Part, split_links
from messenger.core.matching import find_mentions
from messenger.core.quoting import QUOTE

LINE_SEPARATOR: Final = "\u2028"
"""What a toolkit breaks lines at, in the place of the newline's sign."""

_BREAK: Final = f"[{NEWLINE_SIGN}{LINE_SEPARATOR}]"
_BLOCK: Final = re.compile(
    rf"(?:^|(?<={_BREAK}))(```(?:[\w+#.-]*{_BREAK})?)(?!`)(.+?)({_BREAK}?```)(?=$|{_BREAK})", re.DOTALL
)
"""A fence, perhaps with the name of a language, what is between, and a fence: on lines of their own."""
_CODE: Final = re.compile(rf"(?<!`)(`{{1,3}})(?!`)((?:(?!{_BREAK}).)+?)(?<!`)\1(?!`)")
_QUOTED: Final = re.compile(rf"(?:^|(?<={_BREAK}))({QUOTE})((?:(?!{_BREAK}).)+)")


def split_message(line: Line, text: str | None = None) -> list[Part]:
    """Cut a message into parts; together they are its text, or ``text``, the same with other breaks between lines."""
    text = line.text if text is None else text
    parts: list[Part] = []
    at = 0
    for block in _BLOCK.finditer(text) if "```" in text else ():
        parts.extend(_split_quotes(text[at : block.start()], line.mentions))
        parts.extend(_fenced(Look.BLOCK, *block.groups()))
        at = block.end()
    parts.extend(_split_quotes(text[at:], line.mentions))
    return parts


def _split_quotes(text: str, name: str) -> Iterator[Part]:
    """Cut a text into lines that quote, and the others."""
    at = 0
    for quoted in _QUOTED.finditer(text) if QUOTE in text else ():
        yield from _split_code(text[at : quoted.start()], name)
        yield Part(quoted[1], look=Look.SIGN | Look.QUOTE)
        yield from (part._replace(look=part.look | Look.QUOTE) for part in _split_code(quoted[2], name))
        at = quoted.end()
    yield from _split_code(text[at:], name)


def _split_code(text: str, name: str) -> Iterator[Part]:
    """Cut a text into code within its lines, and words."""
    at = 0
    for code in _CODE.finditer(text):
        yield from _split_words(text[at : code.start()], name)
        yield from _fenced(Look.CODE, code[1], code[2], code[1])
        at = code.end()
    yield from _split_words(text[at:], name)


def _fenced(look: Look, before: str, code: str, after: str) -> tuple[Part, ...]:
    return Part(before, look=Look.SIGN), Part(code, look=look), Part(after, look=Look.SIGN)


def _split_words(text: str, name: str) -> Iterator[Part]:
    """Cut a text into links, mentions of a name, and what is between them."""
    for part in split_links(text):
        if part.url or not name:
            yield part
            continue
        at = 0
        for start, end in find_mentions(name, part.text):
            if start > at:
                yield Part(part.text[at:start])
            yield Part(part.text[start:end], look=Look.MENTION)
            at = end
        if at < len(part.text):
            yield Part(part.text[at:])
