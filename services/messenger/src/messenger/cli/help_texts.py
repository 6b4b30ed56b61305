"""The help of a command line in any language: Japanese takes two columns a character, and has no spaces to break at."""

import argparse
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

from chatbrain import Transport
from messenger.presentation.i18n import LANGUAGES, N_, UnknownLanguageError, _, spoken_by_python, use_language

_PIECE = re.compile(r"\s+|[!-~]+|[（「]*[^\s!-~（「][。、）」：？ーぁぃぅぇぉっゃゅょァィゥェォッャュョ]*|.")
"""A word of ASCII, a space, or one other character with what must not be parted from it by the end of a line."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Write a command line's help, in any language."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(text, width)


def columns(text: str) -> int:
    """Return how wide a text is on a terminal."""
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of so many columns; what can't be broken may be wider."""
    lines = [""]
    for piece in _PIECE.findall(" ".join(text.split())):
        if columns(lines[-1] + piece.rstrip()) > width and lines[-1]:
            lines.append("")
        if lines[-1] or not piece.isspace():
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def add_language(parser: argparse.ArgumentParser) -> None:
    """Add --lang."""
    languages = ", ".join(f"{tag} ({name})" for tag, name in LANGUAGES.items())
    text = _("the display language: {languages} (default: the system's)")
    parser.add_argument("--lang", metavar="LANG", help=text.format(languages=languages))


def add_transport(parser: argparse.ArgumentParser, default: Any = None) -> None:
    """Add --transport."""
    text = _(
        "how the chat travels: stream: over the TCP connection and nowhere else; udp: over UDP; auto: as a stream if "
        "you join over TLS and the relay offers streams, or if UDP is blocked, else over UDP (default: auto)"
    )
    words = [each.value for each in Transport]
    parser.add_argument("--transport", choices=words, default=default, help=text)


def transport_of(given: argparse.Namespace) -> Transport | None:
    """Return what was said by --transport."""
    return Transport(given.transport) if given.transport else None


def choose_language(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> None:
    """Look for --lang alone, for everything that is said from here on is said in this language."""
    use_language()
    add_language(parser)
    with spoken_by_python():
        asked = parser.parse_known_args(argv)[0].lang
    if asked is not None:
        try:
            use_language(asked)
        except UnknownLanguageError as error:
            parser.error(str(error))


ARGPARSE_TEXTS: Final = (
    N_("usage: "),
    N_("positional arguments"),
    N_("options"),
    N_("subcommands"),
    N_("show this help message and exit"),
    N_("show program's version number and exit"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("the following arguments are required: %s"),
    N_("one of the arguments %s is required"),
    N_("unrecognized arguments: %s"),
    N_("not allowed with argument %s"),
    N_("ignored explicit argument %r"),
    N_("expected one argument"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
    N_("invalid choice: %(value)r, maybe you meant %(maybe)r? (choose from %(choices)s)"),
    N_("unknown parser %(parser_name)r (choices: %(choices)s)"),
)
"""What Python's argparse can say to a user of `chat`, so that the catalogues have it: see `i18n.spoken_by_python`."""
