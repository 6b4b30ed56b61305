"""The programs that take part: built, started, pinned to their CPU, and ended."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from pydantic import BaseModel

from bench.joining import Membership
from ports import free_ports

SOURCES = Path(__file__).parent
COMPILE = ("gcc", "-O2", "-std=gnu11", "-Wall", "-Wextra")
OUR_RELAY = (sys.executable, "-m", "relay_server")
START_SECONDS = 20.0
STOP_SECONDS = 10.0
WINDOW_DELIVERIES = 2048
"""How many deliveries are outstanding at most in the closed loop."""
MESSAGE_BYTES = range(100, 101)
MIXED_BYTES = range(34, 167)
"""What people say is not all of one size; these have 100 bytes on average."""

# All members share one address, and what is measured is the relay, not its limits. Who joins is not announced: in a
# room of 1000 that would be half a million notices before the first message. Descriptors aren't shared with streams
# where all chat is on UDP. The environment may say otherwise.
LIFTED = {
    "RELAY_MAX_ROOMS": "0",
    "RELAY_MAX_MEMBERS": "0",
    "RELAY_MAX_MEMBERS_PER_ROOM": "0",
    "RELAY_MAX_MEMBERS_PER_ADDRESS": "0",
    "RELAY_MAX_ROOMS_PER_ADDRESS": "0",
    "RELAY_MAX_TRANSACTIONS": "0",
    "RELAY_MAX_STREAMS": "0",
    "RELAY_MAX_TRANSACTIONS_PER_ADDRESS": "0",
    "RELAY_MESSAGE_RATE": "0",
    "RELAY_BYTE_RATE": "0",
    "RELAY_JOIN_RATE": "0",
    "RELAY_STREAMS": "off",
    "RELAY_ANNOUNCE": "false",
    "RELAY_LOG_LEVEL": "warning",
}


class BenchError(Exception):
    """A measurement that can't be made; ``str()`` says why in one sentence."""


class ToolMissingError(BenchError):
    """Something must be installed first."""


class Result(BaseModel):
    """What one run of the load saw."""

    sent: int
    expected: int
    delivered: int
    duplicated: int
    seconds: float
    cpu_seconds: float
    p50_us: int
    p99_us: int
    worst_us: int

    @property
    def lost(self) -> int:
        return self.expected - self.delivered

    @property
    def per_cpu_second(self) -> float:
        """Deliveries that a second of the relay's CPU time brings."""
        return self.delivered / self.cpu_seconds if self.cpu_seconds else 0.0


class Target(NamedTuple):
    """A relay that runs, be it ours or the reference, which takes no joins."""

    pid: int
    udp_port: int
    tcp_port: int


class Programs(NamedTuple):
    """The reference relay and the load, compiled."""

    reference: Path
    load: Path

    def reference_command(self, *, gso: bool = False) -> Sequence[str]:
        """Return how the reference is started; with ``gso`` it lets the kernel cut messages, as our relay does."""
        return str(self.reference), *(["--gso"] if gso else [])


def build(folder: Path) -> Programs:
    """Compile the C programs into a folder.

    Raises:
        ToolMissingError: there is no compiler.
        BenchError: it fails.

    """
    return Programs(compile_program("reference_relay", folder), compile_program("fanout_load", folder))


def compile_program(name: str, folder: Path) -> Path:
    """Compile one C program into a folder; returns where it is.

    Raises:
        ToolMissingError: there is no compiler.
        BenchError: it fails.

    """
    if not shutil.which(COMPILE[0]):
        raise ToolMissingError("gcc is needed to build the reference relay and the load: install it (package gcc).")
    program, source = folder / name, SOURCES / f"{name}.c"
    done = subprocess.run([*COMPILE, "-o", program, source], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"gcc can't build {source.name}: {done.stderr.strip()}")
    return program


@contextmanager
def running_reference(command: Sequence[str], cpu: int) -> Iterator[Target]:
    """Run a reference, which prints its port, on a CPU."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        os.sched_setaffinity(process.pid, {cpu})
        try:
            assert process.stdout
            port = int(process.stdout.readline())
            yield Target(process.pid, port, port)
        finally:
            process.terminate()


@contextmanager
def running_relay(
    cpu: int, limits: Mapping[str, str] | None = None, ports: Sequence[int] = (), web_port: int = 0,
    command: Sequence[str] = OUR_RELAY,
) -> Iterator[Target]:  # fmt: skip
    """Run a build of the relay on a CPU, its limits lifted but for those given; ``ports`` are those of TCP and UDP.

    Its web port is off unless it is given. ``command`` starts the build; by default it is the one of this checkout.

    Raises:
        BenchError: it doesn't start.

    """
    tcp_port, udp_port = ports or free_ports(2)
    environment = {
        **LIFTED,
        **(limits or {}),
        **os.environ,
        "RELAY_HOST": "127.0.0.1",
        "RELAY_TCP_PORT": str(tcp_port),
        "RELAY_UDP_PORT": str(udp_port),
        "RELAY_LOBBY_PORT": "0",
        "RELAY_OPS_PORT": "0",
        "RELAY_WEB_PORT": str(web_port),
        "RELAY_ADMIN_SOCKET": "",
    }
    with relay_process(cpu, environment, tcp_port, command=command) as pid:
        yield Target(pid, udp_port, tcp_port)


@contextmanager
def relay_process(
    cpu: int, environment: Mapping[str, str], tcp_port: int,
    *, log: IO[bytes] | None = None, command: Sequence[str] = OUR_RELAY,
) -> Iterator[int]:  # fmt: skip
    """Run a build of the relay on a CPU, in exactly this environment; yields its process's id.

    What it says goes into ``log``, or to where we speak ourselves.

    Raises:
        BenchError: it doesn't start.

    """
    process = subprocess.Popen([*command, "run"], env=environment, stdout=log, stderr=log)
    os.sched_setaffinity(process.pid, {cpu})
    try:
        await_start(process, tcp_port)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_load(
    programs: Programs, target: Target, members: Sequence[Membership], members_per_room: int,
    *, rate: float, seconds: float, sizes: range = MESSAGE_BYTES,
) -> Result:  # fmt: skip
    """Let the members converse; ``rate`` is in messages a second, 0 keeps the closed loop full.

    The messages' sizes are spread evenly over ``sizes``.

    Raises:
        BenchError: the relay went away, or doesn't relay.

    """
    command: list[object] = [programs.load, target.udp_port, target.pid, members_per_room, seconds, rate]
    command += [WINDOW_DELIVERIES, sizes[0], sizes[-1]]
    lines = "".join(f"{member.room} {member.token}\n" for member in members)
    done = subprocess.run([str(part) for part in command], input=lines, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"The load gave up: {done.stderr.strip() or f'exit code {done.returncode}'}.")
    return Result.model_validate_json(done.stdout)


def resident_kib(pid: int) -> int:
    """Return how much memory a process has in use, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise BenchError("The relay's memory can't be read.")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used."""
    return time.clock_gettime(~pid << 3 | 2)  # what clock_getcpuclockid(3) returns


def await_start(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a program that was started takes connections.

    Raises:
        BenchError: it ended, or doesn't in time.

    """
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise BenchError("The relay didn't start: see what it says above.")
