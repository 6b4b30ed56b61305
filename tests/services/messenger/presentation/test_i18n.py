"""Which language the program speaks: by the command line, the environment, the system, else English."""

import argparse
import os

import pytest

from messenger.presentation import i18n
from messenger.presentation.i18n import UnknownLanguageError, _, language, ngettext, spoken_by_python, use_language

SAMPLE, IN_JAPANESE = "The password is wrong.", "パスワードが違います。"


@pytest.mark.parametrize("tag", ["ja", "ja_JP", "ja-JP", "ja_JP.UTF-8", "JA"])
def test_what_was_asked_for_comes_first(tag: str) -> None:
    assert use_language(tag, environ={"LANGUAGE": "en"}) == "ja"
    assert (language(), _(SAMPLE)) == ("ja", IN_JAPANESE)
    assert use_language("en", environ={"LANGUAGE": "ja"}) == "en"
    assert _(SAMPLE) == SAMPLE


@pytest.mark.parametrize("variable", ["LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"])
def test_each_variable_chooses(variable: str) -> None:
    assert use_language(environ={variable: "ja_JP.UTF-8"}) == "ja"
    assert _(SAMPLE) == IN_JAPANESE
    assert use_language(environ={variable: "en_GB.UTF-8"}) == "en"


@pytest.mark.parametrize(
    ("environ", "chosen"),
    [
        ({"LANGUAGE": "ja", "LC_ALL": "en_US.UTF-8"}, "ja"),
        ({"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LC_MESSAGES": "en_US.UTF-8", "LANG": "ja_JP.UTF-8"}, "en"),
        ({"LANGUAGE": "fr:ja:en"}, "ja"),
        ({"LANGUAGE": "fr:en:ja"}, "en"),
        ({"LANGUAGE": "fr"}, "en"),
        ({"LC_ALL": "POSIX"}, "en"),
        ({"LC_ALL": ":"}, "en"),
    ],
)
def test_the_first_variable_that_is_set_decides(environ: dict[str, str], chosen: str) -> None:
    assert use_language(environ=environ) == chosen


def test_without_variables_the_system_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "_system_language", lambda: "ja_JP")
    assert use_language(environ={}) == "ja"
    assert use_language(environ={}, system="en-GB") == "en"
    monkeypatch.setattr(i18n, "_system_language", lambda: None)
    assert use_language(environ={}) == "en"
    assert use_language(environ={}, system="ja-JP") == "ja"
    monkeypatch.undo()
    assert use_language(environ={}) in i18n.LANGUAGES


@pytest.mark.parametrize("tag", ["fr", "", "../ja", "j"])
def test_an_unknown_language_is_a_sentence(tag: str) -> None:
    with pytest.raises(UnknownLanguageError, match=r"^Language '.*' isn't available: use en, ja\.$"):
        use_language(tag)
    assert language() == "en"


@pytest.mark.parametrize("before", [None, "fr"])
def test_what_python_says_itself_follows(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    if before:
        monkeypatch.setenv("LANGUAGE", before)
    for tag, usage in (("ja", "使い方: x"), ("en", "usage: x")):
        use_language(tag)
        with spoken_by_python():
            assert argparse.ArgumentParser(prog="x").format_help().startswith(usage)
    assert os.environ.get("LANGUAGE") == before


def test_how_many_counts() -> None:
    assert [ngettext("a word", "words", number) for number in (1, 2)] == ["a word", "words"]
    use_language("ja")
    assert ngettext("a word", "words", 1) == "a word"  # this text isn't one of the catalogue's
