"""Unix sockets: who may use them, and what is in the way of having one."""

import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from relay_server.net.sockets import ListenError
from relay_server.operator.unix_socket import MAX_PATH_BYTES, Credentials, credentials_of, listen_unix
from services.relay_server.net.loopback import DEADLINE_SECONDS
from unprivileged import run_unprivileged

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets on Windows")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay.sock"


def connect(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(DEADLINE_SECONDS)
    sock.connect(os.fspath(path))
    return sock


def complaint(path: Path) -> str:
    with pytest.raises(ListenError) as caught:
        listen_unix(path)
    return str(caught.value)


def test_only_its_owner_may_use_it_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        unix = listen_unix(path)
        assert os.umask(0) == 0  # it is set back
    finally:
        os.umask(before)
    with unix.sock:
        assert stat.filemode(path.lstat().st_mode) == "srw-------"


def test_the_file_goes_with_the_socket(path: Path) -> None:
    unix = listen_unix(path)
    with unix.sock, connect(path):
        unix.remove()
    assert not path.exists()
    unix.remove()


def test_the_file_of_another_stays(path: Path) -> None:
    unix = listen_unix(path)
    unix.sock.close()
    path.unlink()
    path.write_text("somebody else's")
    unix.remove()
    assert path.read_text() == "somebody else's"


def test_what_a_dead_relay_left_is_taken_over(path: Path) -> None:
    listen_unix(path).sock.close()
    assert path.is_socket()
    with listen_unix(path).sock, connect(path):
        pass


def test_a_living_relay_keeps_its_socket(path: Path) -> None:
    with listen_unix(path).sock:
        assert complaint(path) == f"{path} is in use by another relay: end that one or choose another path."
        connect(path).close()


def test_what_is_no_socket_stays(path: Path) -> None:
    path.write_text("precious")
    assert complaint(path) == f"{path} is there, and is no socket: choose another path."
    assert path.read_text() == "precious"


def test_a_path_may_be_as_long_as_the_system_takes(tmp_path: Path) -> None:
    room = MAX_PATH_BYTES - len(os.fsencode(tmp_path)) - 1
    listen_unix(tmp_path / ("x" * room)).sock.close()
    longer = tmp_path / ("x" * (room + 1))
    assert complaint(longer).startswith(f"{longer} has {MAX_PATH_BYTES + 1} bytes, a socket's path at most ")


def test_a_directory_that_isnt_there_is_said(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "relay.sock"
    assert complaint(path) == f"{path} can't be listened on: the directory isn't there, make it."


def test_a_directory_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "can't be listened on (Not a directory)" in complaint(tmp_path / "file" / "relay.sock")


def test_a_directory_that_cant_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    code = """
import sys
from pathlib import Path
from relay_server.operator.unix_socket import listen_unix
step_down()
listen_unix(Path(sys.argv[1], "relay.sock"))
"""
    said = run_unprivileged(code, os.fspath(tmp_path)).stderr
    assert "the relay's user may not write to the directory." in said


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells here who is at the other end")
def test_the_kernel_tells_who_is_there(path: Path) -> None:
    with listen_unix(path).sock as sock, connect(path):
        accepted, _ = sock.accept()
        with accepted:
            assert credentials_of(accepted) == Credentials(os.getuid(), os.getpid())
