"""Where words and names are found, whichever way they are spelt."""

import pytest

from messenger.core.matching import find, find_mentions, name_key


def found(words: str, text: str) -> list[str]:
    return [text[start:end] for start, end in find(words, text)]


@pytest.mark.parametrize(
    ("words", "text", "there"),
    [
        ("tea", "Tea, TEA and tea", ["Tea", "TEA", "tea"]),
        ("café", "ein cafe\u0301!", ["cafe\u0301"]),
        ("カード", "ｶｰﾄﾞ払い", ["ｶｰﾄﾞ"]),
        ("abc", "ＡＢＣ", ["ＡＢＣ"]),  # noqa: RUF001 - wide letters
        ("strasse", "Straße", ["Straße"]),
        ("ταΰγετος", "ΤΑΫ\u0301ΓΕΤΟΣ", ["ΤΑΫ\u0301ΓΕΤΟΣ"]),  # noqa: RUF001 - a small letter with both accents is one character
        ("東京", "東京と東京都", ["東京", "東京"]),
        ("a.c", "abc", []),
        ("", "anything", []),
    ],
)
def test_words_are_found_as_they_stand_there(words: str, text: str, there: list[str]) -> None:
    assert found(words, text) == there


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ann", "ann: hello"),
        ("ann", "ask @Ann."),
        ("Ann", "annさん、どう？"),
        ("さくら", "さくらさんは？"),
        ("雑", "雑君に聞いて"),
        ("ボブ", "今日はボブが来る"),
        ("Zoë", "zoe\u0308!"),
        ("ann lee", "hi Ann  Lee".replace("  ", " ")),
        ("[bot]", "the [bot]s"),
    ],
)
def test_a_name_that_is_a_word_is_a_mention(name: str, text: str) -> None:
    assert list(find_mentions(name, text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ann", "an announcement"),
        ("ann", "joann"),
        ("ann", "ann_b"),
        ("アン", "アンケート"),
        ("雑", "複雑"),
        ("ann", ""),
    ],
)
def test_a_name_within_another_word_is_none(name: str, text: str) -> None:
    assert not list(find_mentions(name, text))


def test_names_that_read_the_same_have_one_key() -> None:
    assert name_key("Ａnn  Lee") == name_key("ann lee") != name_key("anne lee")  # noqa: RUF001 - a wide letter
