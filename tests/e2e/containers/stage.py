"""Containers of our images on a network of their own: a relay, and people who chat."""

import contextlib
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from conformance.relays import Relay
from e2e.containers.engine import ROOT
from e2e.containers.waiting import DEADLINE_SECONDS, eventually

RELAY_NAME: Final = "relay"
SCENARIOS: Final = ROOT / "deploy/compose/scenarios"
OPS: Final = "9100/tcp"
BOT_METRICS: Final = "9101/tcp"

# What the compose file asks of every container, so that whatever happens here happens without any rights.
HARDENED: Final[dict[str, Any]] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "pids_limit": 64,
    "mem_limit": "256m",
}


class Ports(NamedTuple):
    """Where a relay listens inside of its container."""

    tcp: int = 9000
    udp: int = 9001
    lobby: int = 9002


class RelayContainer(DockerContainer):
    """A relay on its defaults and the given settings.

    Its ports are published on numbers that the engine chooses, or with ``same`` on the same ones, as clients need it
    that are told the UDP port by the relay.
    """

    def __init__(self, image: str, network: Network, settings: dict[str, str], same: Ports | None = None) -> None:
        super().__init__(image, network=network, network_aliases=[RELAY_NAME], env={"RELAY_OPS_HOST": "::"} | settings)
        self.inside = same or Ports()
        self.with_exposed_ports(OPS).with_kwargs(**HARDENED)
        for kind, port in self.inside._asdict().items():
            self.with_env(f"RELAY_{kind.upper()}_PORT", str(port))
            self.with_bind_ports(f"{port}/{'tcp' if kind == 'tcp' else 'udp'}", port if same else None)

    def start(self) -> Self:
        super().start()
        self.await_ready()
        return self

    def await_ready(self) -> None:
        """Wait until it serves; after a restart its ports are new ones."""
        eventually(self._is_ready, self.said)

    @property
    def relay(self) -> Relay:
        """Where it is, seen from here."""
        tcp, udp, lobby = self.inside
        return Relay(self.host, self.port(f"{tcp}/tcp"), self.port(f"{udp}/udp"), self.port(f"{lobby}/udp"))

    @property
    def host(self) -> str:
        host = self.get_container_host_ip()
        return "127.0.0.1" if host == "localhost" else host  # what is published on ::1 has another number

    def port(self, port: str) -> int:
        """Return the number that a port such as ``9001/udp`` is published on."""
        return self.get_exposed_port(port)  # type: ignore[arg-type] # a number is TCP's; what it takes for UDP is text

    def ops(self, path: str) -> str:
        """Get a page of the ops port."""
        with urllib.request.urlopen(f"http://{self.host}:{self.port(OPS)}{path}", timeout=5) as response:
            return str(response.read().decode())

    def said(self) -> str:
        return b"".join(self.get_logs()).decode(errors="replace")

    def _is_ready(self) -> bool:
        try:
            return self.ops("/readyz") == "ready\n"
        except OSError:
            return False


class Person:
    """Somebody at the command ``chat`` as a filter; lines are waited for, never slept for."""

    def __init__(self) -> None:
        self._heard = self._told = 0  # lines that were looked at already

    def say(self, line: str) -> None:
        raise NotImplementedError

    def lines(self) -> tuple[list[str], list[str]]:
        """Return what came by now: messages of others, and what the program tells."""
        raise NotImplementedError

    def hears(self, part: str, seconds: float = DEADLINE_SECONDS) -> str:
        """Wait for a message with ``part`` in it, and return it."""
        return eventually(lambda: self._next_heard(part), lambda: f"{part!r} isn't in {self.lines()}", seconds)

    def is_told(self, part: str, seconds: float = DEADLINE_SECONDS) -> str:
        """Wait until the program tells something with ``part`` in it, and return that line."""
        return eventually(lambda: self._next_told(part), lambda: f"{part!r} isn't in {self.lines()}", seconds)

    def _next_heard(self, part: str) -> str | None:
        found, self._heard = _find(self.lines()[0], self._heard, part)
        return found

    def _next_told(self, part: str) -> str | None:
        found, self._told = _find(self.lines()[1], self._told, part)
        return found


def _find(lines: list[str], start: int, part: str) -> tuple[str | None, int]:
    for index, line in enumerate(lines[start:], start):
        if part in line:
            return line, index + 1
    return None, len(lines)


class ChatContainer(DockerContainer, Person):
    """Somebody in a container whose only process is ``chat``."""

    def __init__(self, image: str, network: Network, *arguments: str) -> None:
        DockerContainer.__init__(self, image, network=network)
        Person.__init__(self)
        self.with_command(["chat", *arguments, "--server", RELAY_NAME, "--stay"]).with_kwargs(
            stdin_open=True, **HARDENED
        )
        self._input: Any = None

    def start(self) -> Self:
        super().start()
        self._input = self.get_wrapped_container().attach_socket(params={"stdin": 1, "stream": 1})
        return self

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        if self._input:
            self._input._sock.close()
            self._input.close()
        super().stop(force, delete_volume)

    def say(self, line: str) -> None:
        self._input._sock.sendall(f"{line}\n".encode())

    def lines(self) -> tuple[list[str], list[str]]:
        heard, told = self.get_logs()
        return _whole_lines(heard), _whole_lines(told)


class BotsContainer(DockerContainer):
    """Bots that play a scenario; they wait for a relay as long as it takes."""

    def __init__(self, image: str, network: Network, scenario: Path, settings: dict[str, str]) -> None:
        told = {"BOT_SCENARIO": "/scenario.yaml", "BOT_METRICS_HOST": "::", "BOT_METRICS_PORT": "9101"}
        super().__init__(image, network=network, env=told | {"BOT_PATIENCE_SECONDS": "0"} | settings)
        self.with_volume_mapping(scenario, "/scenario.yaml")
        self.with_exposed_ports(BOT_METRICS).with_kwargs(**HARDENED)

    def ops(self, path: str) -> str:
        """Get a page of the metrics' port; empty while nobody answers."""
        port = self.get_exposed_port(BOT_METRICS)  # type: ignore[arg-type] # as above
        host = self.get_container_host_ip()
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
        return ""

    def said(self) -> str:
        return b"".join(self.get_logs()).decode(errors="replace")


class ChatProcess(Person):
    """Somebody on this machine, who leaves the room at the end of the context."""

    def __init__(self, log: Path, *arguments: str) -> None:
        super().__init__()
        self._heard_log, self._told_log = log.with_suffix(".heard"), log.with_suffix(".told")
        with self._heard_log.open("wb") as heard, self._told_log.open("wb") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "messenger", *arguments], stdin=subprocess.PIPE, stdout=heard, stderr=told
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(DEADLINE_SECONDS)
        finally:
            self.process.kill()
            self.process.communicate()

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def lines(self) -> tuple[list[str], list[str]]:
        return _whole_lines(self._heard_log.read_bytes()), _whole_lines(self._told_log.read_bytes())


def _whole_lines(text: bytes) -> list[str]:
    return text.decode(errors="replace").split("\n")[:-1]
