"""The file of known servers: what is in it, who may read it, and what is said when it can't be used."""

import stat
from pathlib import Path

import pytest

from messenger.core.trusting import KnownServersError
from messenger.store.known_servers import KnownServers, default_path

A, B = (":".join([pair] * 32) for pair in ("AA", "BB"))


@pytest.fixture
def known(tmp_path: Path) -> KnownServers:
    return KnownServers(tmp_path / "state" / "chat" / "known_servers")


def test_it_is_in_the_users_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_path() == Path("/state/chat/known_servers")
    monkeypatch.setenv("HOME", "/home/ann")
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", ignored)
        assert default_path() == Path("/home/ann/.local/state/chat/known_servers")


def test_who_has_no_home_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "messenger.store.known_servers.user_state_path", lambda *_args, **_options: Path("~/.local/state/chat")
    )
    with pytest.raises(KnownServersError, match="set XDG_STATE_HOME"):
        default_path()


def test_what_is_remembered_is_found_and_nothing_else(known: KnownServers) -> None:
    assert known.find("relay:9000") is None
    known.remember("relay:9000", A)
    known.remember("[::1]:9000", B)
    assert (known.find("relay:9000"), known.find("[::1]:9000"), known.find("relay:900")) == (A, B, None)
    assert known.path.read_text().startswith("# ")


def test_nobody_else_may_read_it_and_nothing_lies_beside_it(known: KnownServers) -> None:
    known.remember("relay:9000", A)
    known.remember("other:9000", A)
    assert stat.S_IMODE(known.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(known.path.parent.stat().st_mode) == 0o700
    assert list(known.path.parent.iterdir()) == [known.path]


def test_a_line_taken_out_is_forgotten_and_others_stay(known: KnownServers) -> None:
    known.remember("relay:9000", A)
    known.remember("other:9000", B)
    lines = known.path.read_text().splitlines(keepends=True)
    known.path.write_text("".join(line for line in lines if not line.startswith("relay:")))
    assert (known.find("relay:9000"), known.find("other:9000")) == (None, B)


def test_a_last_line_that_someone_wrote_by_hand_is_not_run_into(known: KnownServers) -> None:
    known.path.parent.mkdir(parents=True)
    known.path.write_text(f"relay:9000 {A}")
    known.remember("other:9000", B)
    assert (known.find("relay:9000"), known.find("other:9000")) == (A, B)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"relay:9000 junk\n", "has no valid fingerprint"), (b"\xff\xfe", "isn't UTF-8")],
)
def test_junk_is_named(known: KnownServers, content: bytes, says: str) -> None:
    known.path.parent.mkdir(parents=True)
    known.path.write_bytes(content)
    with pytest.raises(KnownServersError, match=says):
        known.find("relay:9000")


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    known = KnownServers(tmp_path / "file" / "known_servers")
    with pytest.raises(KnownServersError, match=r"can't be read \(not a directory\)"):
        known.find("relay:9000")
    with pytest.raises(KnownServersError, match=r"can't be written \(not a directory\)|can't be read"):
        known.remember("relay:9000", A)
    assert KnownServers(tmp_path / "missing" / "known_servers").find("relay:9000") is None
    with pytest.raises(KnownServersError, match="can't be written"):
        KnownServers(Path("/proc/nowhere/known_servers")).remember("relay:9000", A)
