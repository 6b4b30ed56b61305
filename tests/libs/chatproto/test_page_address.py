"""The address of a page, as a relay that may be hostile tells it (WEB-05)."""

import json
from typing import Any

import pytest

from chatproto.page_address import MAX_PAGE_CHARACTERS, read_page
from chatproto.payloads import Completion, decode_completion, encode_completion

pytestmark = pytest.mark.requirement("WEB-05")


@pytest.mark.parametrize(
    "address",
    [
        "https://chat.example.org/", "http://192.0.2.1:9080/", "http://[2001:db8::7]:9080/#port=9001", "HTTPS://A_b-c/",
        "https://chat.example.org/#port=9001",
    ],
)  # fmt: skip
def test_an_address_stays_as_it_is(address: str) -> None:
    assert read_page(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None, 7, ["https://chat.example.org/"], "", "chat.example.org", "https://chat.example.org",
        "https://chat.example.org/page", "https://chat.example.org/?x", "https://chat.example.org/#room=tea",
        "https://chat.example.org/#port=x", "https://chat.example.org/#port=1&port=2", "https://ann@chat.example.org/",
        "javascript:alert(1)", "ftp://chat.example.org/", "https:///", "https://chat.example.org/\n",
        "https://chat.ex\u0430mple.org/", "https://a\u202eb/", f"https://{'x' * MAX_PAGE_CHARACTERS}/",
    ],
)  # fmt: skip
def test_anything_else_is_no_address(address: Any) -> None:
    assert read_page(address) == ""


def test_a_completion_tells_it_only_if_there_is_one_and_one_that_is_none_spoils_nothing() -> None:
    plain = Completion(b"token", True, 9001, 300.0, 100)
    silent = encode_completion(plain, json_reply=True)
    assert b"web" not in silent
    assert decode_completion(json.dumps(json.loads(silent) | {"web": "javascript:alert(1)"}).encode()) == plain
    told = Completion(b"token", True, 9001, 300.0, 100, web="https://chat.example.org/")
    assert json.loads(encode_completion(told, json_reply=True))["web"] == "https://chat.example.org/"
    assert encode_completion(told, json_reply=False) == b"token"
