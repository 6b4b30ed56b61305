"""What was said, saved as text."""

import os
import stat
from pathlib import Path

import pytest

from messenger.core.conversation import Conversation
from messenger.store.export import ExportError, export, suggested_name
from services.messenger.core.fake_relay import Case, entry


@pytest.fixture
def room() -> Conversation:
    case = Case()
    room = case.messenger.enter(entry(create=True))
    case.relay.says("bob: hello\x1b[2J")
    case.messenger.submit(room, "> bob: hello\nhi")
    return room


SAID = """\
2026-01-02 12:00:00 You created demo and are its host, as ann: it closes when you leave.
2026-01-02 12:00:00 bob: hello\N{REPLACEMENT CHARACTER}[2J
2026-01-02 12:00:00 ann: > bob: hello
    hi
"""


def test_everything_that_was_said_stands_there_with_its_time(room: Conversation, tmp_path: Path) -> None:
    file = tmp_path / "said.txt"
    assert export(room, str(file)) == f"3 lines saved to {file}."
    assert file.read_text(encoding="utf-8") == SAID
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_was_not_delivered_is_marked(tmp_path: Path) -> None:
    case = Case()
    room = case.messenger.enter(entry(create=True))
    case.relay.refusal = "muted"
    case.messenger.submit(room, "hi")
    export(room, str(tmp_path / "said.txt"))
    assert " Not delivered: ann: hi\n" in (tmp_path / "said.txt").read_text()


def test_no_file_is_overwritten_unless_it_is_meant(room: Conversation, tmp_path: Path) -> None:
    file = tmp_path / "said.txt"
    file.write_text("dear")
    with pytest.raises(FileExistsError):
        export(room, str(file))
    assert file.read_text() == "dear"
    export(room, str(file), overwrite=True)
    assert file.read_text(encoding="utf-8") == SAID
    assert list(tmp_path.iterdir()) == [file]


def test_in_a_directory_it_gets_a_name(room: Conversation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    export(room, "~")
    assert [path.name for path in tmp_path.iterdir()] == ["demo 2026-01-02.txt"]


@pytest.mark.parametrize(
    ("room_name", "name"),
    [("a/b\\c:d", "a_b_c_d"), ("..", "_"), ("x" * 80, "x" * 60), ("お茶の間", "お茶の間"), (None, "Lobby")],
)
def test_the_name_is_one_that_every_system_takes(room_name: str | None, name: str) -> None:
    room = Case().messenger.enter(entry(room_name))
    assert suggested_name(room).removesuffix(" 2026-01-02.txt").removesuffix(".txt") == name


@pytest.mark.parametrize("file", ["nowhere/said.txt", "~nobody-of-this-name/x", "a\0b", "file/said.txt"])
@pytest.mark.parametrize("overwrite", [True, False])
def test_what_cannot_be_written_is_said(
    room: Conversation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, overwrite: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    Path("nowhere").touch()
    with pytest.raises(ExportError, match="can't be written"):
        export(room, file, overwrite=overwrite)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which this system doesn't have")
def test_half_a_file_is_none(room: Conversation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def open_full(path: Path, *_flags: int) -> int:
        path.write_text("")
        return opened("/dev/full", os.O_WRONLY)

    monkeypatch.setattr("messenger.store.export.os.open", open_full)
    with pytest.raises(ExportError, match=r"(?i)no space left"):
        export(room, str(tmp_path / "said.txt"))
    assert not list(tmp_path.iterdir())
