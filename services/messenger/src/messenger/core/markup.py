"""What the parts of a message are besides plain text; on the way it is plain text, and so it is for everybody else."""

from collections.abc import Iterator

from messenger.core.history import Line
from messenger.core.hyperlinks import Look, Part, split_links
from messenger.core.matching import find_mentions


def split_message(line: Line, text: str | None = None) -> list[Part]:
    """Cut a message into parts; together they are its text, or ``text``, the same with other breaks between lines."""
    return list(_split_words(line.text if text is None else text, line.mentions))


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
