import re

import pytest

from docs.page_words import PAGE, languages, path_of, texts_of_page, written

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


def test_no_language_has_a_catalogue_that_the_page_does_not_offer() -> None:
    source = (PAGE / "js/i18n.js").read_text(encoding="utf-8")

    assert all(f"{language}:" in source for language in languages())
