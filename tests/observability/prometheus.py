"""A real Prometheus that runs by the project's own configuration, with the addresses of programs on this machine."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from ports import free_ports

ROOT: Final = Path(__file__).parents[2]
CONFIGURATION: Final = ROOT / "deploy" / "prometheus" / "prometheus.yml"

_START_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 20.0

Targets = Mapping[str, Sequence[int]]
"""Ports on this machine by the job that scrapes them."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its labels, and its points in time (seconds since 1970) with their values."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class Prometheus:
    """The process, and what it answers."""

    def __init__(self, folder: Path, targets: Targets) -> None:
        self._folder = folder
        configuration = folder / "prometheus.yml"
        configuration.write_text(yaml.safe_dump(_on_this_machine(folder, targets)), encoding="utf-8")
        deadline = time.monotonic() + _START_SECONDS
        while not self._start(configuration, deadline):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Prometheus did not get ready. It says: {self.said()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        finally:
            self._process.kill()

    def query(self, expr: str) -> list[Series]:
        """Evaluate now.

        Raises:
            QueryError: Prometheus doesn't take the expression.

        """
        found = self._get("query", query=expr)
        if found["resultType"] == "scalar":
            return [Series({}, [_point(found["result"])])]
        return [Series(one["metric"], [_point(one["value"])]) for one in found["result"]]

    def query_range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """Evaluate at each step between two times, in seconds since 1970; raises as ``query`` does."""
        found = self._get("query_range", query=expr, start=str(start), end=str(end), step=str(step))
        return [Series(one["metric"], [_point(pair) for pair in one["values"]]) for one in found["result"]]

    def label_values(self, label: str, selector: str) -> list[str]:
        """List the values that a label has in the series of a selector; raises as ``query`` does."""
        values: list[str] = self._get(f"label/{label}/values", **{"match[]": selector})
        return values

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules as Prometheus sees them now: name, query, type, health, and when it evaluated them."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def said(self) -> str:
        """Return what the process wrote so far."""
        return (self._folder / "log").read_text(errors="replace")

    def _start(self, configuration: Path, deadline: float) -> bool:
        (self._port,) = free_ports(1)
        arguments = {
            "config.file": configuration,
            "storage.tsdb.path": self._folder / "data",
            "web.listen-address": f"127.0.0.1:{self._port}",
            "log.level": "warn",
        }
        command = ["prometheus", *(f"--{name}={value}" for name, value in arguments.items())]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._is_ready():
                return True
            time.sleep(0.05)
        self._process.kill()
        self._process.wait()
        return False

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=_ANSWER_SECONDS):
                return True
        except OSError:
            return False

    def _get(self, path: str, **parameters: str) -> Any:
        url = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise QueryError(json.load(error)["error"]) from None


class QueryError(ValueError):
    """Prometheus doesn't take an expression; ``str()`` is what it says of it."""


def _point(pair: Sequence[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])


def _on_this_machine(folder: Path, targets: Targets) -> dict[str, Any]:
    """Keep of the project's configuration all but where its targets are and how often they are asked."""
    configuration: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    every_second = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    configuration["global"] = configuration.get("global", {}) | every_second
    configuration["rule_files"] = _hurried_rules(folder, configuration["rule_files"])
    for job in configuration["scrape_configs"]:
        for key in [key for key in job if key.endswith("_sd_configs") or key in every_second]:
            del job[key]
        addresses = [f"127.0.0.1:{port}" for port in targets.get(job["job_name"], ())]
        job["static_configs"] = [{"targets": addresses}]
    return configuration


def _hurried_rules(folder: Path, patterns: Sequence[str]) -> list[str]:
    """Copy the rules without their groups' intervals, so that all are evaluated each second."""
    copies = []
    for path in (path for pattern in patterns for path in sorted(CONFIGURATION.parent.glob(pattern))):
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in rules["groups"]:
            group.pop("interval", None)
        copy = folder / path.name
        copy.write_text(yaml.safe_dump(rules), encoding="utf-8")
        copies.append(str(copy))
    assert copies, "prometheus.yml names no rules"
    return copies
