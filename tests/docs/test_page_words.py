import re

import pytest

from chatproto import Status
from docs.page_words import PAGE, languages, path_of, texts_of_page, written
from messenger.presentation.wording.refusals import FORMS

NOT_FOR_PAGES = {
    "The host of this room has banned you.",  # which it is told by a field
    "This relay lets in by TLS alone: use a client that speaks it (chat --tls).",
    "This relay lists no rooms.",
    *(form for form in FORMS if "give it at least one character" in form or "UTF-8" in form),
    "The user name has a colon: choose one without.",
    "The user name starts or ends with a space: choose one that doesn't.",
}
"""What relays say to others alone, or of names that no page sends."""
_MARKED = re.compile(r'(?<![\w.])(?:_|L_|N_|ngettext)\(\s*"((?:[^"\\]|\\.)*)"(?!\s*\+)')


@pytest.mark.parametrize("language", languages())
def test_a_catalogue_of_the_page_is_what_the_sources_and_the_translations_say(language: str) -> None:
    assert path_of(language).read_text(encoding="utf-8") == written(language), "run make catalogues"


def test_every_text_that_is_marked_in_the_sources_is_found_wherever_it_stands() -> None:
    marked = {
        text.replace(r"\"", '"')
        for path in PAGE.rglob("*.js")
        for text in _MARKED.findall(path.read_text(encoding="utf-8"))
    }

    assert len(marked) > 200
    assert marked <= texts_of_page()


def test_the_page_tells_what_relays_say_of_a_status_from_what_they_say_more_exactly() -> None:
    statuses = (PAGE / "js/statuses.js").read_text(encoding="utf-8").partition("MESSAGES = [")[2]

    assert re.findall(r'"([^"]*)"', statuses)[1:] == [status.message for status in Status if status]


def test_the_page_knows_the_refusals_that_the_other_apps_know() -> None:
    known = {
        text.replace(r"\"", '"') for text in _MARKED.findall((PAGE / "js/sentences.js").read_text(encoding="utf-8"))
    }

    assert known == set(FORMS) - NOT_FOR_PAGES


def test_no_language_has_a_catalogue_that_the_page_does_not_offer() -> None:
    source = (PAGE / "js/i18n.js").read_text(encoding="utf-8")

    assert all(f"{language}:" in source for language in languages())
