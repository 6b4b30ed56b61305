"""Finding English sentences again."""

import pytest

from messenger.presentation.wording.forms import translated

FORMS = ("The topic is too long by {bytes} bytes.", "{name} is banned already.", "Nobody here is called {name}.")


@pytest.mark.parametrize(
    ("text", "in_japanese"),
    [
        ("The topic is too long by 12 bytes.", "トピックが 12 バイト長すぎます。"),
        ("The topic is too long by many bytes.", None),
        ("bob is banned already.", "bob さんはすでに入室禁止です。"),
        (
            "Nobody here is called {name} is banned already.",
            "Nobody here is called {name} さんはすでに入室禁止です。",
        ),
        ("Nobody here is called .", None),
        ("", None),
    ],
)
def test_a_known_form_is_translated(japanese: None, text: str, in_japanese: str | None) -> None:  # noqa: ARG001
    assert translated(text, FORMS) == in_japanese


def test_in_english_it_is_as_it_was() -> None:
    assert translated("bob is banned already.", FORMS) == "bob is banned already."
