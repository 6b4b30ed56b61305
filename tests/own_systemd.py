"""A systemd of one's own for a test: processes, files and control groups apart from this machine's; for Linux's root.

It shares only the network. What it writes to /etc, /opt, /run, /tmp and /usr/local is gone at its end, and nothing else can
be written but the test's own folder. It knows no units of the machine.
"""

import os
import site
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEADLINE_SECONDS: Final = 60.0
SYSTEMD: Final = Path("/lib/systemd/systemd")
UNIT: Final = "chat-relay.service"
LOG: Final = "/run/relay.log"
HOME: Final = Path("/opt/chat-relay")
_ROOT: Final = Path(__file__).parents[1]
_TARGETS: Final = ("tests", "sysinit", "basic", "shutdown", "network-online", "multi-user")
"""What the unit names, as empty ones: the machine's would start all that a machine needs."""

_PART: Final = f"""
[Service]
StandardOutput=append:{LOG}
StandardError=append:{LOG}
ProtectHome=tmpfs
BindReadOnlyPaths={_ROOT} {sys.prefix} {sys.base_prefix}
"""
"""Of the unit, for there is no journal, and the sources may be in somebody's home."""

_BEGIN: Final = """
set -eu
folder=$1 group=$2
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/folder
mount --bind "$folder" /run/folder
for place in etc opt tmp usr/local var/tmp; do
  mkdir -p /run/apart/$place/upper /run/apart/$place/work
  mount -t overlay -o lowerdir=/$place,upperdir=/run/apart/$place/upper,workdir=/run/apart/$place/work overlay /$place
done
mkdir -p /etc/systemd/system
mount -t tmpfs -o mode=755 tmpfs /etc/systemd/system
mount --move /run/folder "$folder"
mount -o remount,bind,ro /
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$group"
echo 0 > "/sys/fs/cgroup/$group/cgroup.procs"
exec unshare --pid --cgroup --ipc --uts --fork --mount-proc --kill-child sh -c '
  set -eu
  umount /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount -o bind /proc/sys /proc/sys
  mount -o remount,bind,ro /proc/sys
  exec env -i container=test PATH="$PATH" SYSTEMD_UNIT_PATH="/etc/systemd/system:$1/stubs" \
    SYSTEMD_GENERATOR_PATH=/nowhere SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/nowhere \
    /lib/systemd/systemd --system --unit=tests.target --log-target=console --show-status=no
' sh "$folder"
"""
_END: Final = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
[ -d "/sys/fs/cgroup/$1" ] || exit 0
echo 1 > "/sys/fs/cgroup/$1/cgroup.kill"
until find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} + 2> /dev/null; do sleep 0.02; done
"""


@dataclass(frozen=True, slots=True)
class Systemd:
    """One that runs."""

    pid: int
    """Its own, as this machine sees it."""
    log: Path
    """What it says itself."""

    def run(self, *words: str | Path, check: bool = True) -> str:
        """Run a command beside it and return what it writes."""
        done = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--mount", "--pid", *map(str, words)],
            capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}{self.said()}"
        return done.stdout + done.stderr

    def systemctl(self, *words: str) -> str:
        return self.run("systemctl", *words, UNIT)

    def show(self, name: str) -> str:
        """Return a property of the relay's unit."""
        return self.systemctl("show", "--value", "--property", name).strip()

    def await_that(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def write(self, path: str, text: str) -> None:
        """Write a file of its own."""
        place = self.outside(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def put_relay(self, settings: Mapping[str, str], *versions: str) -> None:
        """Install our unit, settings for it, and versions of the relay; the first one is the current one."""
        for version in versions:
            self._put_version(version)
        self.point_to(versions[0])
        self.write("/etc/chat-relay/relay.env", "".join(f"{name}={value}\n" for name, value in settings.items()))
        self.write(f"/etc/systemd/system/{UNIT}", (_ROOT / "deploy/vps" / UNIT).read_text())
        self.write(f"/etc/systemd/system/{UNIT}.d/tests.conf", _PART)
        self.run("systemctl", "daemon-reload")

    def _put_version(self, version: str) -> None:
        """Make an environment of Python's for it, by links: all have the same modules."""
        place = HOME / "versions" / version
        self.run(sys.executable, "-m", "venv", "--without-pip", place)
        (packages,) = self.outside(place).glob("lib/python3*/site-packages")
        paths = [path for path in sys.path if path and not path.startswith(sys.base_prefix)]
        (packages / "tests.pth").write_text("\n".join([*site.getsitepackages(), *paths]))
        program = self.outside(place / "bin/relay-server")
        program.write_text(f"#!{place}/bin/python\nfrom relay_server.__main__ import main\nmain()\n")
        program.chmod(0o755)

    def point_to(self, version: str) -> None:
        """Make it the current one."""
        self.run("ln", "-sfn", f"versions/{version}", HOME / "current")

    def outside(self, path: str | Path) -> Path:
        """Return where this process finds one of its files."""
        return Path(f"/proc/{self.pid}/root{path}")

    def said(self) -> str:
        """Return what the relay says and how its unit fares, for who looks for a reason."""
        relay = self.outside(LOG)
        return self.run("systemctl", "status", UNIT, check=False) + (relay.read_text() if relay.exists() else "")


@contextmanager
def own_systemd(folder: Path) -> Iterator[Systemd]:
    """Start one, with a log in this folder."""
    group = f"chat-relay-{os.getpid()}-{time.monotonic_ns()}"
    stubs = folder / "stubs"
    stubs.mkdir(parents=True)
    for name in _TARGETS:
        (stubs / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n")
    log = folder / "systemd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _BEGIN, "sh", folder, group],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield _await_start(process, log)
    finally:
        process.kill()
        process.wait()
        subprocess.run(["unshare", "--mount", "sh", "-c", _END, "sh", group], check=True, timeout=DEADLINE_SECONDS)


def _await_start(process: "subprocess.Popen[bytes]", log: Path) -> Systemd:
    deadline = time.monotonic() + DEADLINE_SECONDS
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while True:
        assert process.poll() is None, log.read_text()
        if found := children.read_text().split():
            started = Systemd(int(found[0]), log)
            if started.run("systemctl", "is-active", "tests.target", check=False).strip() == "active":
                return started
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
