"""The file of people who are ignored."""

import stat
from pathlib import Path

import pytest

from messenger.core.ignoring import IgnoredError
from messenger.store.ignored import IgnoredPeople


@pytest.fixture
def people(tmp_path: Path) -> IgnoredPeople:
    return IgnoredPeople(tmp_path / "chat" / "ignored.json")


def test_each_server_has_its_own_names(people: IgnoredPeople) -> None:
    assert people.names("relay") == []
    people.keep("relay", ["bob", "ボブ"])
    people.keep("other", ["eve"])
    assert (people.names("relay"), people.names("other")) == (["bob", "ボブ"], ["eve"])
    people.keep("relay", [])
    assert (people.names("relay"), people.names("other")) == ([], ["eve"])
    assert "relay" not in people.path.read_text()


def test_nobody_else_may_read_it(people: IgnoredPeople) -> None:
    people.keep("relay", ["bob"])
    assert stat.S_IMODE(people.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"ignored": []}', '{"ignored": {"relay": "bob"}}', '{"ignored": {"a": [1]}}', "\udcff"),
        '{"ignored": {"relay": ["bob"], "other": "eve"}}',
        '{"ignored": {"relay": ["bob", 1]}}',
        '{"ignored": {"relay": ["\\ud800"]}}',
    ],
)
def test_a_damaged_file_is_said_and_stays_as_it_is(people: IgnoredPeople, text: str) -> None:
    people.path.parent.mkdir()
    people.path.write_bytes(text.encode(errors="surrogateescape"))
    for act in (lambda: people.names("relay"), lambda: people.keep("relay", ["bob"])):
        with pytest.raises(IgnoredError, match="is damaged"):
            act()
    assert people.path.read_bytes() == text.encode(errors="surrogateescape")


def test_an_editor_may_have_put_a_byte_order_mark_before_it(people: IgnoredPeople) -> None:
    people.keep("relay", ["bob"])
    people.path.write_text(people.path.read_text("utf-8"), "utf-8-sig")
    assert people.names("relay") == ["bob"]


def test_nested_without_end_it_is_damaged_too(people: IgnoredPeople) -> None:
    people.path.parent.mkdir()
    people.path.write_text("[" * 200_000)
    with pytest.raises(IgnoredError, match="damaged"):
        people.names("relay")


def test_a_place_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IgnoredError, match="can't be read"):
        IgnoredPeople(tmp_path / "file" / "ignored.json").names("relay")
    with pytest.raises(IgnoredError, match="can't be read"):
        IgnoredPeople(tmp_path / "file" / "ignored.json").keep("relay", ["bob"])
