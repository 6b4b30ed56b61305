"""The project's compose file, brought up under a name and on ports of its own."""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from testcontainers.compose import ComposeContainer, DockerCompose

from conformance.relays import Relay
from e2e.containers.engine import ROOT, Images, remove_labelled
from ports import free_ports

OWN_SERVICES: Final = {"relay", "host", "bot", "silent", "probe"}
"""Those that run an image of ours, without profiles."""


class Project:
    """A copy of what Compose reads of a checkout, in a directory of its own, with an .env of its own."""

    def __init__(self, directory: Path, images: Images, files: Sequence[str] = (), **settings: str) -> None:
        shutil.copy(ROOT / "docker-compose.yml", directory)
        shutil.copytree(ROOT / "deploy", directory / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
        self.directory, self.images = directory, images
        self.name = f"chat-{directory.name.lower()}-{images.tag}"
        *ports, self.web_port = free_ports(4)
        self.relay = Relay("127.0.0.1", *ports)
        numbers = {"RELAY_TCP_PORT": self.relay.tcp_port, "RELAY_UDP_PORT": self.relay.udp_port}
        # Port 0: any. Nobody needs to know these beforehand.
        others = {"RELAY_LOBBY_PORT": self.relay.lobby_port, "RELAY_WEB_PORT": self.web_port} | dict.fromkeys(
            _ANY_PORT, 0
        )
        variables = {"COMPOSE_PROJECT_NAME": self.name} | images.variables | numbers | others | settings
        text = "".join(f"{name}={value}\n" for name, value in variables.items())
        (directory / ".env").write_text(text)
        airgap = ("deploy/airgap/compose.yaml",) if images.is_airgapped else ()
        self._compose = DockerCompose(directory, compose_file_name=["docker-compose.yml", *airgap, *files])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        done = self.run("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "2")
        remove_labelled(f"com.docker.compose.project={self.name}")  # whatever Compose itself can't tell any more
        assert done.returncode == 0, done.stderr

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a docker compose command, and return what it wrote and its exit code."""
        command = [*self._compose.docker_compose_command(), *words]
        return subprocess.run(command, cwd=self.directory, capture_output=True, text=True, check=False)

    def up(self, *words: str) -> None:
        """Start what isn't running yet, and wait until all that is started is healthy."""
        done = self.run("up", "--wait", "--no-build", "--no-recreate", *words)
        assert done.returncode == 0, f"{done.stderr}\n{self.said()}"

    def containers(self, *services: str) -> list[ComposeContainer]:
        found = self._compose.get_containers(include_all=True)
        return [container for container in found if not services or container.Service in services]

    def said(self, *services: str) -> str:
        """Return the last lines that each container wrote."""
        return self.run("logs", "--tail", "20", *services).stdout

    def expected_services(self) -> set[str]:
        """Return the services of the files, without profiles."""
        return set(self.run("config", "--services").stdout.split())

    def ops(self, path: str) -> str:
        """Get a page of the relay's ops port."""
        return self.page("relay", 9100, path)

    def page(self, service: str, port: int, path: str) -> str:
        url = f"http://{self._compose.get_service_host(service, port)}:{self._compose.get_service_port(service, port)}"
        with urllib.request.urlopen(url + path, timeout=10) as answer:  # noqa: S310 - http, as the line above says
            return str(answer.read().decode())

    def targets(self) -> list[tuple[str, str, str]]:
        """Return job, service and health of everything that Prometheus scrapes."""
        found = json.loads(self.page("prometheus", 9090, "/api/v1/targets?state=active"))["data"]["activeTargets"]
        return sorted((one["labels"]["job"], one["labels"]["service"], one["health"]) for one in found)

    def query(self, expression: str) -> list[float]:
        """Ask Prometheus, and return the values of all series of the answer."""
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        answer: dict[str, Any] = json.loads(self.page("prometheus", 9090, path))
        return [float(series["value"][1]) for series in answer["data"]["result"]]


_ANY_PORT: Final = ("RELAY_OPS_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT")
