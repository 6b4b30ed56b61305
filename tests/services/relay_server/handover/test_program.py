"""Which program takes over, in which environment; and where none may."""

import os
import sys
from pathlib import Path

import pytest

from relay_server.handover.obstacles import find_obstacle
from relay_server.handover.program import CHANNEL, Program, command_line, environment
from relay_server.handover.protocol import HandoverError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="relays take over on Linux alone")


def test_a_script_is_called_by_its_own_name_so_that_the_link_to_it_counts(tmp_path: Path) -> None:
    script = tmp_path / "relay-server"
    script.write_text("#!/bin/sh\n")
    words = ["/old/python", os.fspath(script), "run"]
    assert command_line(words) == words  # it can't be called
    script.chmod(0o755)
    assert command_line(words) == [os.fspath(script), "run"]
    assert command_line(["python", "-m", "relay_server", "run"]) == ["python", "-m", "relay_server", "run"]
    assert command_line(["relay-server"]) == ["relay-server"]


def test_the_environment_is_the_old_one_with_what_was_given_on_top() -> None:
    own = {"RELAY_HOST": "::", "WATCHDOG_PID": "5", "WATCHDOG_USEC": "9", "SYSTEMD_EXEC_PID": "5", CHANNEL: "1"}
    assert environment(own, {"RELAY_HOST": "127.0.0.1", CHANNEL: "2"}, 7) == {
        "RELAY_HOST": "127.0.0.1",
        "WATCHDOG_USEC": "9",
        CHANNEL: "7",
    }


def test_a_program_that_isnt_there_is_told_in_one_sentence() -> None:
    with pytest.raises(HandoverError, match=r"^/no/such/program can't be started \(No such file or directory\): see "):
        Program(["/no/such/program"], {})


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="only Linux tells of processes there")
def test_a_relay_with_a_supervisor_that_ends_with_it_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name(pid: int, text: str) -> None:
        (tmp_path / f"proc/{pid}").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"proc/{pid}/comm").write_text(f"{text}\n")

    def found(pid: int = 7, parent: int = 1, **environ: str) -> str:
        return find_obstacle(environ, pid, parent, tmp_path) or ""

    assert found() == found(parent=1) == ""  # its first process isn't known, and it is in no container
    assert found(pid=1, parent=0).startswith("The container ends with this process, so no other one can take over")
    assert found(container="lxc", SYSTEMD_EXEC_PID="7", NOTIFY_SOCKET="/run/notify") == ""  # its name may be hidden
    name(1, "tini")
    assert found(container="podman").startswith("The container ends")
    assert found(parent=5, container="podman") == ""
    name(1, "systemd")
    assert found(container="lxc") == ""
    assert found(SUPERVISOR_ENABLED="1").startswith("supervisord started this relay and would start another one")
    name(5, "runsv")
    assert found(parent=5).startswith("runsv started this relay")
    name(5, "bash")
    assert found(parent=5) == ""
    assert "Type=notify" in found(SYSTEMD_EXEC_PID="7")
    assert found(SYSTEMD_EXEC_PID="7", NOTIFY_SOCKET="/run/notify") == found(SYSTEMD_EXEC_PID="6") == ""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert found() == "Only on Linux a relay can be replaced while it runs: restart it."
