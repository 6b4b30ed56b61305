"""Where the operators' socket is: a directory of its own, whoever runs the relay and asks it."""

import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from relay_server.net.sockets import ListenError
from relay_server.operator import location
from relay_server.operator.location import find_relay, listen_for_operators
from unprivileged import run_unprivileged

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets on Windows")


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let there be no service, and a directory for temporary files of our own."""
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(tmp_path))
    monkeypatch.setattr(location, "SERVICE_DIRECTORY", tmp_path / "service")
    return tmp_path


def own(places: Path) -> Path:
    return places / f"chat-relay-{os.getuid()}"


def test_nothing_is_opened_if_nothing_is_wanted() -> None:
    assert listen_for_operators("", 9000) is None


def test_a_path_that_is_named_is_used(places: Path) -> None:
    unix = listen_for_operators(f"{places}/here", 9000)
    assert unix
    unix.sock.close()
    assert unix.path == places / "here" == find_relay(f"{places}/here", 9000)


def test_by_itself_it_finds_a_place_for_this_user_alone(places: Path) -> None:
    unix = listen_for_operators("auto", 9000)
    other = listen_for_operators("auto", 9010)
    assert unix
    assert other
    for each in (unix, other):
        each.sock.close()
    assert stat.filemode(own(places).lstat().st_mode) == "drwx------"
    assert (find_relay("auto", 9000), find_relay("auto", 9010)) == (unix.path, other.path)
    assert unix.path.parent == own(places)


def test_a_service_has_a_directory_made_for_it(places: Path) -> None:
    (places / "service").mkdir()
    unix = listen_for_operators("auto", 9000)
    assert unix
    unix.sock.close()
    assert unix.path == places / "service" / "9000.sock" == find_relay("auto", 9000)
    assert not own(places).exists()


def test_a_relay_of_ones_own_is_found_beside_a_service(places: Path) -> None:
    unix = listen_for_operators("auto", 9000)
    assert unix
    unix.sock.close()
    (places / "service").mkdir()
    assert find_relay("auto", 9000) == unix.path


def test_a_relay_that_isnt_there_is_looked_for_where_it_would_be(places: Path) -> None:
    assert find_relay("auto", 9000) == own(places) / "9000.sock"


def test_a_service_that_is_for_root_to_ask_is_said() -> None:
    code = """
import sys
from pathlib import Path
from relay_server.operator import location
step_down()
location.SERVICE_DIRECTORY = Path(sys.argv[1])
location.find_relay("auto", 9000)
"""
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:  # others may look into this one, but not pytest's
        Path(parent).chmod(0o755)
        service = Path(parent, "service")
        service.mkdir(mode=0)
        said = run_unprivileged(code, os.fspath(service)).stderr
        service.chmod(0o700)
    assert said.endswith(f"AdminError: {service} is for the relay's user and root alone: say sudo.\n")


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_others_may_use_isnt_used(places: Path, mode: int) -> None:
    own(places).mkdir()
    own(places).chmod(mode)
    with pytest.raises(ListenError, match="isn't a directory for this user alone"):
        listen_for_operators("auto", 9000)


def test_a_link_isnt_followed(places: Path) -> None:
    (places / "theirs").mkdir(mode=0o700)
    own(places).symlink_to(places / "theirs")
    with pytest.raises(ListenError, match="isn't a directory for this user alone"):
        listen_for_operators("auto", 9000)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives directories away")
def test_a_directory_of_somebody_else_isnt_used(places: Path) -> None:
    own(places).mkdir(mode=0o700)
    os.chown(own(places), 12345, 12345)
    with pytest.raises(ListenError, match="isn't a directory for this user alone"):
        listen_for_operators("auto", 9000)


def test_a_system_that_cant_be_written_has_no_place(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    monkeypatch.setattr(os, "sep", f"{places}/read-only")
    with pytest.raises(ListenError, match=r"can't be made \(No such file or directory\): name a place"):
        listen_for_operators("auto", 9000)
    assert not find_relay("auto", 9000).exists()
    (places / "service").mkdir()
    unix = listen_for_operators("auto", 9000)
    assert unix
    unix.sock.close()
    assert find_relay("auto", 9000) == unix.path


def test_a_file_in_its_place_is_said(places: Path) -> None:
    own(places).touch()
    with pytest.raises(ListenError, match=r"can't be made \(File exists\)"):
        listen_for_operators("auto", 9000)
