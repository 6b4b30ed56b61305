"""What is wrong with what people write, in both languages."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbrain import MessageTooLongError, Tls, WrongKeyError, parse_server
from chatclient import make_context
from chatproto import BadNameError, check_password, check_room_name, check_user_name
from chatproto.fingerprint import parse_fingerprint
from chatproto.sealing import BadRoomKeyError
from messenger.presentation.wording import flaw

MARKS = "a" + 5 * "\u0301"
NAMES = [b"", b"a" * 256, b"\xff", b"a\x1b", MARKS.encode()]
MISTAKES: list[tuple[Callable[[], object], str]] = [
    *((lambda raw=raw: check_room_name(raw), "ルーム名") for raw in NAMES),
    *((lambda raw=raw: check_user_name(raw), "名前") for raw in [*NAMES, b"a:b", b" a"]),
    (lambda: check_password("x" * 1025), "パスワードが 1025 バイトあります。1024 バイト以内にしてください。"),
    (lambda: check_password("\ud800"), "不完全な文字"),
    (lambda: parse_server("a b", 9000), "'a b' はサーバーのアドレスではありません"),
    (lambda: parse_server("a:0", 9000), "'a:0' の '0' はポート番号ではありません"),
    (lambda: parse_fingerprint("12"), "'12' は SHA-256 フィンガープリントではありません"),
    (lambda: make_context(Tls(ca_file="/nowhere")), "ファイルまたはディレクトリがありません"),
    (lambda: make_context(Tls(ca_file=__file__)), "PEM 形式の証明書がありません"),
]


def raised_by(mistake: Callable[[], object]) -> Exception:
    with pytest.raises((BadNameError, ValueError, Exception)) as caught:
        mistake()
    return caught.value


@pytest.mark.parametrize(("mistake", "_words"), MISTAKES)
def test_in_english_it_is_what_the_libraries_say(mistake: Callable[[], object], _words: str) -> None:
    error = raised_by(mistake)
    assert flaw(error) == str(error)


@pytest.mark.parametrize(("mistake", "words"), MISTAKES)
def test_in_japanese_it_says_the_same(japanese: None, mistake: Callable[[], object], words: str) -> None:  # noqa: ARG001
    sentence = flaw(raised_by(mistake))
    assert words in sentence
    assert sentence.endswith("。")


def test_a_message_too_long(japanese: None) -> None:  # noqa: ARG001
    assert flaw(MessageTooLongError(5, 4)) == "メッセージが 5 バイトあります。4 バイト以内にしてください。"


@given(st.text())
def test_what_is_unknown_is_shown_as_it_is_but_harmless(text: str) -> None:
    for error in (BadNameError(text or "x"), ValueError(text)):
        assert not [char for char in flaw(error) if char in "\x1b\x07\r\n\x9b\u202e\u2066"]


def test_what_is_wrong_with_a_key_is_said_without_it() -> None:
    assert flaw(BadRoomKeyError()) == "The key in the invitation is incomplete: copy the whole invitation."
    assert flaw(WrongKeyError()).startswith("Your key opens nothing that others write here, so nothing was sent")
