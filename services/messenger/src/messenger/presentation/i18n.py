"""The language of the program's own texts: chosen at the start, looked up at each call.

Texts stand in the sources in English, as ``_("You are in {room}.").format(room=...)``; `make catalogues` collects them
for the translators. What is needed later than it is written is marked by ``N_``.
"""

import gettext
import locale
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

DOMAIN: Final = "messenger"
LANGUAGES: Final = {"en": "English", "ja": "日本語"}
"""What may be chosen, and how each calls itself."""

_CATALOGUES: Final = Path(__file__).with_name("locale")
_VARIABLES: Final = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


class UnknownLanguageError(ValueError):
    """There are no texts in the language that was asked for; ``str()`` is the sentence that says so."""


class _Chosen:
    language = "en"
    catalogue: gettext.NullTranslations = gettext.NullTranslations()


def _(text: str) -> str:
    """Return a text in the chosen language."""
    return _Chosen.catalogue.gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text for so many in the chosen language."""
    return _Chosen.catalogue.ngettext(one, many, number)


def N_(text: str) -> str:  # noqa: N802 - so translators' tools know it
    """Mark a text for the catalogues that ``_`` gets to see later."""
    return text


def language() -> str:
    """Return which of `LANGUAGES` is chosen."""
    return _Chosen.language


def use_language(tag: str | None = None, *, environ: Mapping[str, str] = os.environ, system: str | None = None) -> str:
    """Choose the language by what was asked for, else by the environment, else by the system, else English.

    Args:
        tag: such as ``ja`` or ``ja-JP``, from the command line.
        environ: of LANGUAGE, LC_ALL, LC_MESSAGES and LANG the first one that isn't empty decides.
        system: the system's language where a toolkit knows it better than Python does.

    Returns: which of `LANGUAGES` it is now.

    Raises:
        UnknownLanguageError: there are no texts for the tag.

    """
    if tag is None:
        chosen = _wanted(environ, system)
    elif (known := _known(tag)) is None:
        raise UnknownLanguageError(
            _("Language {tag!r} isn't available: use {languages}.").format(tag=tag, languages=", ".join(LANGUAGES))
        )
    else:
        chosen = known
    _Chosen.language = chosen
    _Chosen.catalogue = gettext.translation(DOMAIN, _CATALOGUES, [chosen], fallback=True)
    return chosen


@contextmanager
def spoken_by_python() -> Iterator[None]:
    """Let what Python says itself, such as argparse, be in the chosen language too."""
    gettext.bindtextdomain(DOMAIN, str(_CATALOGUES))
    gettext.textdomain(DOMAIN)
    before = os.environ.get("LANGUAGE")
    os.environ["LANGUAGE"] = _Chosen.language  # there is no other way to tell it; programs started later needn't hear
    try:
        yield
    finally:
        if before is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before


def _wanted(environ: Mapping[str, str], system: str | None) -> str:
    for variable in _VARIABLES:
        if value := environ.get(variable):
            return next(filter(None, map(_known, value.split(":"))), "en")
    return _known(system or _system_language() or "") or "en"


def _known(tag: str) -> str | None:
    """Find the language of a tag such as ``ja_JP.UTF-8``; C stands for English."""
    primary = tag.partition(".")[0].replace("-", "_").partition("_")[0].lower()
    if primary in {"c", "posix"}:
        return "en"
    return primary if primary in LANGUAGES else None


def _system_language() -> str | None:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - what is asked is only there on Windows

        name = locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage())
    else:
        name = locale.getlocale()[0]
    return name
