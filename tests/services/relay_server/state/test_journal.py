"""The file that the state is kept in, with real files: torn, foreign, planted, too large for the disk."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay_server.state.directory import StateDirectoryError
from relay_server.state.journal import BAD, FILE, NEXT, DamagedError, Journal

OTHER_USER = 12_345


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def write(journal: Journal, *lines: bytes) -> None:
    journal.renew()
    journal.add(lines)
    journal.put_in_place()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_there_is_nothing_at_first(journal: Journal) -> None:
    assert journal.written_at() is None
    assert not journal.is_current
    assert journal.size_bytes == 0
    with pytest.raises(DamagedError, match="can't be read"):
        list(journal.lines())


def test_what_is_written_is_read_in_order(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"head\n", b"one\n")
    journal.append([b"two\n", b"three\n"])
    assert list(journal.lines()) == [b"head\n", b"one\n", b"two\n", b"three\n"]
    assert journal.size_bytes == (tmp_path / FILE).stat().st_size
    assert not (tmp_path / NEXT).exists()


def test_the_files_are_for_their_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        journal = Journal(tmp_path)
        write(journal, b"one\n")
        journal.renew()
        assert {mode_of(path) for path in tmp_path.iterdir()} == {0o600}
        journal.close()
    finally:
        os.umask(before)


def test_an_old_file_that_others_may_read_is_replaced_by_one_of_mode_0600(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"one\n")
    (tmp_path / FILE).chmod(0o644)
    write(journal, *journal.lines())
    assert mode_of(tmp_path / FILE) == 0o600


def test_a_write_that_was_cut_short_anywhere_loses_only_its_own_last_line(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"head\n", b"one\n")
    before = journal.size_bytes
    journal.append([b"two\n", b"three\n"])
    whole = (tmp_path / FILE).read_bytes()
    for size in range(before, len(whole)):
        (tmp_path / FILE).write_bytes(whole[:size])
        read = list(journal.lines())
        assert read in ([b"head\n", b"one\n"], [b"head\n", b"one\n", b"two\n"]), size


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"one", b"ono"),
        lambda data: b"chat history\n" + data,
        lambda data: data + bytes(40) + b"\n",
        lambda data: data.replace(b"\n", b"\n\n", 1),
        lambda data: data[9:],
    ],
)
def test_a_line_that_isnt_what_was_written_spoils_the_file(
    journal: Journal, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    write(journal, b"head\n", b"one\n", b"two\n")
    (tmp_path / FILE).write_bytes(damage((tmp_path / FILE).read_bytes()))
    with pytest.raises(DamagedError, match="checksum"):
        list(journal.lines())


def test_only_one_file_is_kept_aside(journal: Journal, tmp_path: Path) -> None:
    for line in (b"one\n", b"two\n"):
        write(journal, line)
        journal.set_aside()
    assert b"two" in (tmp_path / BAD).read_bytes()
    assert journal.written_at() is None
    journal.set_aside()  # nothing is there
    assert {path.name for path in tmp_path.iterdir()} == {"lock", BAD}


def test_what_cant_be_kept_aside_is_removed(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"one\n")
    (tmp_path / BAD / "of another").mkdir(parents=True)
    journal.set_aside()
    assert journal.written_at() is None


def test_a_planted_file_isnt_believed(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"one\n")
    (tmp_path / FILE).chmod(0o620)
    with pytest.raises(DamagedError, match="other users may write"):
        list(journal.lines())
    (tmp_path / FILE).unlink()
    os.mkfifo(tmp_path / FILE)
    with pytest.raises(DamagedError, match="no file"):
        list(journal.lines())
    (tmp_path / FILE).unlink()
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedError, match="can't be read"):
        list(journal.lines())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_isnt_believed(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"one\n")
    os.chown(tmp_path / FILE, OTHER_USER, OTHER_USER)
    with pytest.raises(DamagedError, match="another user"):
        list(journal.lines())


def test_nothing_is_written_through_a_planted_link(journal: Journal, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / NEXT).symlink_to(victim)
    (tmp_path / FILE).symlink_to(victim)
    write(journal, b"one\n")
    assert victim.read_bytes() == b"precious"
    assert list(journal.lines()) == [b"one\n"]


def test_while_it_is_written_anew_changes_go_to_both_files(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"head\n", b"old\n")
    journal.renew()
    journal.add([b"head\n"])
    journal.append([b"change\n"])
    assert list(journal.lines()) == [b"head\n", b"old\n", b"change\n"]
    journal.add([b"new\n"])
    journal.put_in_place()
    journal.append([b"later\n"])
    assert list(journal.lines()) == [b"head\n", b"change\n", b"new\n", b"later\n"]
    assert not (tmp_path / NEXT).exists()


def test_a_new_file_that_is_given_up_leaves_the_old_one(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"old\n")
    journal.renew()
    journal.renew()
    journal.abandon()
    assert journal.add([b"never\n"]) == 0
    journal.put_in_place()
    assert not (tmp_path / NEXT).exists()
    journal.append([b"change\n"])
    assert list(journal.lines()) == [b"old\n", b"change\n"]


def test_it_has_grown_when_it_is_some_times_as_large_as_new(journal: Journal) -> None:
    write(journal, b"x" * 1000 + b"\n")
    grown = []
    for size_bytes in (1, 1 << 20, 4096):
        journal.append([b"y" * size_bytes + b"\n"])
        grown.append(journal.has_grown)
    write(journal, b"x\n")
    assert [*grown, journal.has_grown] == [False, False, True, False]


def test_touching_makes_it_young(journal: Journal, tmp_path: Path) -> None:
    journal.touch()  # nothing is there
    write(journal, b"one\n")
    os.utime(tmp_path / FILE, (1000, 1000))
    assert journal.written_at() == 1000
    journal.touch()
    assert abs(time.time() - (journal.written_at() or 0)) < 100


def test_a_file_that_was_taken_away_isnt_current(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"one\n")
    (tmp_path / FILE).unlink()
    with pytest.raises(OSError, match="No such file"):
        journal.touch()
    assert not journal.is_current
    write(journal, b"one\n")
    (tmp_path / FILE).rename(tmp_path / "elsewhere")
    (tmp_path / FILE).write_bytes(b"")
    with pytest.raises(OSError, match="another file"):
        journal.touch()


def test_cleared_it_is_gone(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"one\n")
    journal.renew()
    journal.clear()
    journal.clear()
    assert {path.name for path in tmp_path.iterdir()} == {"lock"}
    assert not journal.is_current


FULL = """
import resource, sys
from pathlib import Path
from relay_server.state.journal import Journal
journal = Journal(Path(sys.argv[1]))
def renew(*lines):
    journal.renew()
    journal.add(lines)
    journal.put_in_place()
def attempt(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        print(error.strerror)
    print(journal.is_current, sorted(path.name for path in Path(sys.argv[1]).iterdir()))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
renew(b"head\\n")
attempt(journal.append, [b"fits\\n"])
attempt(renew, b"x" * 200 + b"\\n")
attempt(journal.append, [b"fits\\n", b"x" * 200 + b"\\n"])
attempt(renew, b"x" * 200 + b"\\n")
attempt(renew, b"head\\n")
"""


@pytest.mark.slow
def test_on_a_full_disk_there_is_a_whole_file_or_none(tmp_path: Path) -> None:
    """The kernel takes the part of a write that fits: here it reaches the largest size that a file may have."""
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False, timeout=50
    )
    assert ended.stderr == ""
    assert ended.stdout.splitlines() == [
        "True ['journal', 'lock']",  # it fits
        "No space left on device",
        "True ['journal', 'lock']",  # the new file doesn't: the old one is current
        "No space left on device",
        "False ['lock']",  # a change doesn't fit
        "No space left on device",
        "False ['lock']",
        "True ['journal', 'lock']",
    ]


def test_a_failed_rename_leaves_the_old_file(journal: Journal, tmp_path: Path) -> None:
    write(journal, b"old\n")
    journal.renew()
    journal.add([b"new\n"])
    (tmp_path / NEXT).unlink()
    with pytest.raises(OSError, match="No such file"):
        journal.put_in_place()
    assert not journal.is_renewing
    journal.append([b"change\n"])
    assert list(journal.lines()) == [b"old\n", b"change\n"]


def test_a_directory_is_one_relays(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(StateDirectoryError, match="another relay uses it; end that one"):
        Journal(tmp_path)
    assert journal.lock > 0


def test_a_lock_that_was_handed_over_holds_when_the_first_process_is_gone(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    second = Journal(tmp_path, lock=os.dup(first.lock))
    first.close()
    with pytest.raises(StateDirectoryError, match="another relay"):
        Journal(tmp_path)
    second.close()
    Journal(tmp_path).close()


def test_each_directory_that_cant_be_used_is_refused_with_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    public = tmp_path / "public"
    public.mkdir()
    public.chmod(0o777)
    locked = tmp_path / "locked"
    (locked / "lock").mkdir(parents=True)
    reasons = {
        tmp_path / "none": "it isn't there; make it",
        file: "it is no directory",
        file / "in it": r"it can't be read \(Not a directory\)",
        public: "every user may write there",
        locked: r"its file 'lock' can't be opened \(Is a directory\)",
    }
    for directory, reason in reasons.items():
        with pytest.raises(StateDirectoryError, match=f"^RELAY_STATE_DIRECTORY is '{directory}': {reason}"):
            Journal(directory)
