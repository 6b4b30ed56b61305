"""The image has byte code of all that a start imports: its file system is read-only, so each start would compile it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from docs.markdown import read
from ports import free_ports

PORTS = ("TCP", "UDP", "LOBBY", "OPS", "WEB")


def compiled(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*.pyc") if "relay-server" in path.parts}


@contextmanager
def started(environment: Mapping[str, str]) -> Iterator[None]:
    """Run a relay for as long as it takes to listen, and while the context is entered."""
    command = [sys.executable, "-m", "relay_server", "run"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as relay:
        assert relay.stderr is not None
        try:
            assert any('"listening"' in line for line in relay.stderr)
            yield
        finally:
            relay.kill()


def test_a_start_in_the_image_compiles_nothing_of_the_relay(tmp_path: Path) -> None:
    (imports,) = re.findall(r"/opt/chat/bin/python -c '([^']+)'", read("Dockerfile.server"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RELAY_", "PYTHON"))}
    environment |= {"PYTHONPYCACHEPREFIX": str(tmp_path), "RELAY_HOST": "127.0.0.1", "RELAY_ADMIN_SOCKET": ""}
    environment |= {f"RELAY_{name}_PORT": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    for command in (["-m", "relay_server", "--version"], ["-c", imports.replace("\\\n", "")]):
        subprocess.run([sys.executable, *command], env=environment, check=True, capture_output=True)
    before = compiled(tmp_path)
    with started(environment):
        assert compiled(tmp_path) - before == set()
    assert len(before) > 100
