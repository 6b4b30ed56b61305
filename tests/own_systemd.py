"""A systemd of one's own for a test: processes, files and control groups apart from this machine's; for Linux's root.

It shares only the network. What it writes to /etc, /opt, /run, /tmp and /usr/local is gone at its end, and it can write
nothing else but the test's own folder. It knows no units of the machine.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEADLINE_SECONDS: Final = 60.0
SYSTEMD: Final = Path("/lib/systemd/systemd")
_TARGETS: Final = ("tests", "sysinit", "basic", "shutdown", "network-online", "multi-user")
"""What units name, as empty ones: the machine's would start all that a machine needs."""

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

    def run(self, *words: str | Path, check: bool = True, seconds: float = DEADLINE_SECONDS) -> str:
        """Run a command beside it and return what it writes."""
        done = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--mount", "--pid", *map(str, words)],
            capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def write(self, path: str, text: str) -> None:
        """Write a file of its own."""
        place = self.outside(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def outside(self, path: str | Path) -> Path:
        """Return where this process finds one of its files."""
        return Path(f"/proc/{self.pid}/root{path}")


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
            started = Systemd(int(found[0]))
            if started.run("systemctl", "is-active", "tests.target", check=False).strip() == "active":
                return started
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
