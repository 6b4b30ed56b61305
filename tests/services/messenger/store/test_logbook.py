"""The log of what was said."""

import stat
from pathlib import Path

import pytest

from messenger.store.logbook import Logbook, LogbookError
from services.messenger.core.fake_relay import Case, entry, texts


def test_it_is_appended_to_line_by_line_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for room in ("demo", None):
        case, logbook = Case(), Logbook(path)
        case.messenger.on_line = logbook.write
        conversation = case.messenger.enter(entry(room))
        case.messenger.submit(conversation, "hi")
        if room:
            case.relay.says("bob: a\x1b[2J\nb")
        logbook.close()
    lines = path.read_text().splitlines()
    assert lines[1:] == [
        "2026-01-02 12:00:00 [demo] ann: hi",
        "2026-01-02 12:00:00 [demo] bob: a\N{REPLACEMENT CHARACTER}[2J\N{RETURN SYMBOL}b",
        "2026-01-02 12:00:00 [lobby] ann: hi",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    with pytest.raises(LogbookError, match="can't be written"):
        Logbook(tmp_path)
    with pytest.raises(LogbookError, match="can't be written"):
        Logbook(Path("\0"))


def test_a_full_disk_is_said() -> None:
    case, logbook = Case(), Logbook(Path("/dev/full"))
    case.messenger.on_line = logbook.write
    with pytest.raises(LogbookError, match="no space"):
        case.messenger.enter(entry())
    logbook.close()


def test_a_log_keeps_what_is_said(tmp_path: Path) -> None:
    case = Case()
    log = Logbook(tmp_path / "log")
    log.follow(case.messenger)
    case.messenger.enter(entry())
    case.relay.says("bob: hi")
    assert (tmp_path / "log").read_text(encoding="utf-8").endswith("[demo] bob: hi\n")
    log.close()


def test_a_log_that_cannot_be_written_is_said_once_and_the_chat_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case()

    def fail(*_: object) -> None:
        raise LogbookError("The disk is full.")

    log = Logbook(tmp_path / "log")
    log.follow(case.messenger)
    room = case.messenger.enter(entry())
    monkeypatch.setattr(log, "write", fail)
    for text in ("one", "two"):
        case.relay.says(f"bob: {text}")
    assert texts(room.history.since(1)) == ["one", "The disk is full.", "two"]
    log.close()
