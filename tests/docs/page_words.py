"""The page's catalogues: of the messenger's translations those texts that the page has.

``python -m docs.page_words`` writes them; `make catalogues` does it after it has collected and compiled the texts.
"""

import json
from pathlib import Path
from typing import Final

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

_ROOT: Final = Path(__file__).parents[2]
PAGE: Final = _ROOT / "services/web-client/src/web_client/page"
CATALOGUES: Final = _ROOT / "services/messenger/src/messenger/presentation/locale"
_OPTIONS: Final = {"**.js": {"parse_template_string": "true"}}
_KEYWORDS: Final = {"_": None, "L_": None, "N_": None, "ngettext": (1, 2)}


def marked_in_page() -> set[str | tuple[str, ...]]:
    """Return the texts in the page's sources; one that depends on a number has two forms."""
    found = extract_from_dir(str(PAGE / "js"), [("**.js", "javascript")], _OPTIONS, _KEYWORDS)
    return {text for _file, _line, text, _comments, _context in found}


def texts_of_page() -> set[str]:
    """Return the texts by which the page looks for translations: of two forms, the one for one."""
    return {text if isinstance(text, str) else text[0] for text in marked_in_page()}


def languages() -> list[str]:
    """Return the tags of the languages that there are translations for."""
    return sorted(path.parent.parent.name for path in CATALOGUES.glob("*/LC_MESSAGES/messenger.po"))


def written(language: str) -> str:
    """Return a language's catalogue as the page reads it: JSON, translations by their English texts.

    Raises:
        LookupError: a text has no translation.

    """
    with (CATALOGUES / language / "LC_MESSAGES/messenger.po").open("rb") as file:
        catalogue = read_po(file, language)
    translations = {}
    for text in sorted(texts_of_page()):
        message = catalogue.get(text)
        translation = message.string if message else ""
        if isinstance(translation, tuple | list):
            translation = translation[0]
        if not translation:
            raise LookupError(f"There is no translation to {language} for: {text}")
        translations[text] = translation
    return json.dumps(translations, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


def path_of(language: str) -> Path:
    """Return where the page has a language's catalogue."""
    return PAGE / "i18n" / f"{language}.json"


if __name__ == "__main__":
    for each in languages():
        path_of(each).write_text(written(each), encoding="utf-8")
