"""The relay as a service of a systemd, by the unit that we ship, with several versions to choose from."""

import os
import site
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from conformance.relays import DEFAULTS, Relay
from own_systemd import DEADLINE_SECONDS, Systemd, own_systemd
from ports import free_ports
from waiting import wait_until

ROOT: Final = Path(__file__).parents[1]
UNIT: Final = "chat-relay.service"
HOME: Final = Path("/opt/chat-relay")
SETTINGS: Final = "/etc/chat-relay/relay.env"
RUNTIME_DIRECTORY: Final = "/run/chat-relay"
_LOG: Final = "/run/relay.log"
_PART: Final = f"""
[Service]
StandardOutput=append:{_LOG}
StandardError=append:{_LOG}
ProtectHome=tmpfs
BindReadOnlyPaths={ROOT} {sys.prefix} {sys.base_prefix}
"""
"""Of the unit, for there is no journal, and the sources may be in somebody's home."""


class RelayService:
    """The service chat-relay."""

    def __init__(self, systemd: Systemd, settings: dict[str, str]) -> None:
        """Install it with a version ``one``, and start nothing."""
        self.systemd = systemd
        self._settings = settings
        tcp, udp, lobby, self.ops_port = free_ports(4)
        self.relay = Relay("127.0.0.1", tcp, udp, lobby)
        self.put_version("one")
        self.point_to("one")
        self.configure()
        systemd.write(f"/etc/systemd/system/{UNIT}", (ROOT / "deploy/vps" / UNIT).read_text())
        self.change_unit("")

    def change_unit(self, line: str) -> None:
        """Add a line to the unit's section ``[Service]``."""
        self.systemd.write(f"/etc/systemd/system/{UNIT}.d/tests.conf", f"{_PART}{line}\n")
        self.systemd.run("systemctl", "daemon-reload")

    def put_version(self, version: str, first: str = "") -> None:
        """Install a version: all have the same modules, and this one runs the code ``first`` before all else."""
        place = HOME / "versions" / version
        self.systemd.run(sys.executable, "-m", "venv", "--without-pip", place)
        (packages,) = self.systemd.outside(place).glob("lib/python3*/site-packages")
        paths = [path for path in sys.path if path and not path.startswith(sys.base_prefix)]
        (packages / "tests.pth").write_text("\n".join([*site.getsitepackages(), *paths]))
        program = self.systemd.outside(place / "bin/relay-server")
        program.write_text(f"#!{place}/bin/python\n{first}\nfrom relay_server.__main__ import main\nmain()\n")
        program.chmod(0o755)
        for name in ("chat-relay.service", "60-chat-relay.conf", "ufw-chat-relay"):
            self.systemd.write(f"{place}/share/{name}", (ROOT / "deploy/vps" / name).read_text())

    def point_to(self, version: str) -> None:
        """Make it the current one."""
        self.systemd.run("ln", "-sfn", f"versions/{version}", HOME / "current")

    def configure(self, **changes: str) -> None:
        """Write the file of settings; a change of the port for chat counts for `relay`, too."""
        where = self.relay
        ports = {"TCP": where.tcp_port, "UDP": where.udp_port, "LOBBY": where.lobby_port, "OPS": self.ops_port}
        settings = DEFAULTS | {f"RELAY_{name}_PORT": str(port) for name, port in ports.items()}
        settings |= {"RELAY_ADMIN_SOCKET": "auto"} | self._settings | changes
        self.systemd.write(SETTINGS, "".join(f"{name}={value}\n" for name, value in settings.items()))

    def systemctl(self, *words: str) -> str:
        return self.systemd.run("systemctl", *words, UNIT)

    def restart(self) -> None:
        self.systemctl("restart")

    def reload(self) -> None:
        self.systemctl("reload")

    def show(self, name: str) -> str:
        """Return a property of the unit."""
        return self.systemctl("show", "--value", "--property", name).strip()

    @property
    def pid(self) -> int:
        """The relay's process, as systemd knows it."""
        return int(self.show("MainPID"))

    @property
    def starts(self) -> str:
        """When systemd started it, rather than another process took over."""
        return self.show("ActiveEnterTimestampMonotonic")

    @property
    def kept(self) -> int:
        """How many sockets systemd keeps."""
        return int(self.show("NFileDescriptorStore"))

    def kill(self) -> None:
        """Kill the relay."""
        self.systemctl("kill", "--signal=KILL", "--kill-who=main")

    def await_restart(self, restarts: int) -> None:
        """Wait until systemd has restarted it so often, and it serves."""
        self.await_that(lambda: self.has_restarted(restarts))

    def has_restarted(self, restarts: int) -> bool:
        """Tell whether systemd has restarted it so often, and it serves."""
        return (self.show("NRestarts"), self.show("SubState")) == (str(restarts), "running")

    def await_that(self, is_so: Callable[[], bool]) -> None:
        wait_until(is_so, DEADLINE_SECONDS, said=self.said)

    def ops(self, path: str) -> str:
        """Get a page of the ops port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ops_port}{path}", timeout=5) as response:
            return str(response.read().decode()) or "ok"

    def said(self) -> str:
        """Return how the unit fares and what the relay says."""
        log = self.systemd.outside(_LOG)
        status = self.systemd.run("systemctl", "status", UNIT, check=False)
        return status + (log.read_text() if log.exists() else "")


@contextmanager
def relay_service(folder: Path, **settings: str) -> Iterator[RelayService]:
    """Have the service in a systemd of its own; without a setting of the loop the environment's counts."""
    loop = {"RELAY_EVENT_LOOP": os.environ["RELAY_EVENT_LOOP"]} if "RELAY_EVENT_LOOP" in os.environ else {}
    with own_systemd(folder) as systemd:
        yield RelayService(systemd, loop | settings)
