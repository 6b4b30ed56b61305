"""What a process does with the lock of a state directory that it is handed."""

import os
import sys
from pathlib import Path

import pytest

from relay_server.inherited import Inherited, Lock
from relay_server.state.directory import StateDirectoryError, lock_directory
from relay_server.state_parts import open_journal
from services.relay_server.test_parts import settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="relays take over on Linux alone")


def test_the_lock_of_the_same_directory_is_held_on(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    chosen = settings(tmp_path, state_directory=os.fspath(directory))
    lock = lock_directory(directory)
    handed = Lock(os.fspath(directory), os.dup(lock))
    os.close(lock)
    journal = open_journal(chosen, Inherited(lock=handed))
    assert journal is not None
    with pytest.raises(StateDirectoryError, match="another relay uses it"):
        open_journal(chosen)
    journal.close()
    again = open_journal(chosen)
    assert again is not None
    again.close()


@pytest.mark.parametrize("keeps", [True, False])
def test_the_lock_of_another_directory_isnt_taken(tmp_path: Path, keeps: bool) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for directory in (before, after):
        directory.mkdir(mode=0o700)
    handed = Lock(os.fspath(before), lock_directory(before))
    journal = open_journal(
        settings(tmp_path, state_directory=os.fspath(after) if keeps else ""), Inherited(lock=handed)
    )
    assert (journal is not None) == keeps
    with pytest.raises(StateDirectoryError, match="another relay uses it"):  # the old process may still go on
        lock_directory(before)
    os.close(handed.descriptor)
    if journal:
        journal.close()
