import re

import pytest

from chatproto import Failure, NotRelayed, RefusalCode
from docs.page_words import PAGE, languages, path_of, texts_of_page, written

_OTHERS_ALONE = {RefusalCode.BANNED, RefusalCode.TLS_NEEDED, RefusalCode.NO_LIST}
"""A ban is told to pages by a field of its own; the others are for other clients."""
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


def test_the_page_words_every_code_of_a_refusal() -> None:
    assert coded("sentences.js") == {code: code.message for code in RefusalCode if code not in _OTHERS_ALONE}


def test_the_page_words_every_reason_why_a_command_or_a_message_failed() -> None:
    assert coded("notices.js") == {code: code.message for code in (*Failure, *NotRelayed)}


def test_one_word_says_one_thing_to_the_page() -> None:
    assert not {*RefusalCode} & {*Failure, *NotRelayed}


def coded(script: str) -> dict[str, str]:
    """Return a script's table of sentences by their codes."""
    source = (PAGE / "js" / script).read_text(encoding="utf-8")
    return dict(re.findall(r'^  (\w+): (?:N_\()?"(.+)"\)?,$', source, re.MULTILINE))


def test_no_language_has_a_catalogue_that_the_page_does_not_offer() -> None:
    source = (PAGE / "js/i18n.js").read_text(encoding="utf-8")

    assert all(f"{language}:" in source for language in languages())
