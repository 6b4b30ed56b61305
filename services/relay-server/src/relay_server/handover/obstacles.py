"""Where a new process can't take over, because whoever started the relay ends or restarts it when that one is gone."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from relay_server.doctor.linux import ROOT, container

_INSTEAD: Final = "restart it there; with RELAY_STATE_DIRECTORY nobody has to join again"
_VARIABLES: Final = {"SUPERVISOR_ENABLED": "supervisord", "PM2_HOME": "PM2", "CIRCUS_PID": "circus"}
"""What supervisors give to those whom they start."""
_SUPERVISORS: Final = frozenset(("runsv", "s6-supervise", "supervise", "supervisord", "circusd", "dinit"))
"""What supervisors are called that give nothing."""
_INITS: Final = frozenset(("systemd", "init"))
"""First processes that don't end with their children."""


def find_obstacle(environ: Mapping[str, str], pid: int, parent: int, root: Path = ROOT) -> str | None:
    """Return why this process can't be replaced; None if it can. A process that took over itself needn't ask.

    ``parent`` is the one that started it.
    """
    if sys.platform != "linux":
        return "Only on Linux a relay can be replaced while it runs: restart it."
    if environ.get("SYSTEMD_EXEC_PID") == str(pid):  # its own name may be hidden (ProtectProc=)
        if "NOTIFY_SOCKET" in environ:
            return None
        return "systemd would end the new process with this one, for the unit isn't Type=notify: make it so."
    if pid == 1 or (parent == 1 and container(environ, root) and _name_of(1, root) not in _INITS):
        return f"The container ends with this process, so no other one can take over: {_INSTEAD}."
    names = [name for variable, name in _VARIABLES.items() if variable in environ]
    if not names and _name_of(parent, root) in _SUPERVISORS:
        names = [_name_of(parent, root)]
    if names:
        return f"{names[0]} started this relay and would start another one when this process is gone: {_INSTEAD}."
    return None


def _name_of(pid: int, root: Path) -> str:
    """Return what the kernel calls a process."""
    try:
        return (root / "proc" / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
