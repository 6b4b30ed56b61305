"""The Docker engine, by its command line: images for a run, what is left over, and how long an end took."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values

ROOT: Final = Path(__file__).parents[3]
PROMISED_SECONDS: Final = 2.0
"""What an image of ours promises: so long from the signal to the end of the process, on a machine that isn't busy."""
stops: Final[dict[str, float]] = {}
"""How many seconds the stops of this run took, by image: a figure to look at, for tests make a machine busy."""

_KILL_SECONDS: Final = 10
"""So long an engine waits by default before it kills."""
_CHOSEN: Final = ("PYTHON_IMAGE", "PROMETHEUS_IMAGE", "CADDY_IMAGE")
"""Images that the caller's environment may name."""
_AIRGAP: Final = ROOT / "deploy/airgap/images.env"
_NANOSECONDS: Final = 1e9


def docker(*words: str) -> str:
    """Return what a docker command writes to its standard output."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout


def container(name: str) -> dict[str, Any]:
    (found,) = json.loads(docker("container", "inspect", name))
    return dict(found)


def check_rights(container_id: str, where: str, bounding: Sequence[str] = ()) -> None:
    """Check that a container has no rights, and no more than it needs; ``bounding``: what its programs may have."""
    found = container(container_id)
    host = found["HostConfig"]
    assert host["ReadonlyRootfs"], where
    assert host["CapDrop"] == ["ALL"], where
    assert [name.removeprefix("CAP_") for name in host["CapAdd"] or []] == list(bounding), where
    assert not host["Privileged"], where
    assert "no-new-privileges:true" in host["SecurityOpt"], where
    assert 0 < host["PidsLimit"] <= 256, where
    assert 0 < host["Memory"] <= 2**30, where
    assert host["Ulimits"], where
    assert host["LogConfig"]["Config"]["max-size"], where
    assert host["RestartPolicy"]["Name"] == "unless-stopped", where
    assert found["Config"]["User"] not in {"", "root", "0", "0:0"}, where


def image(name: str) -> dict[str, Any]:
    (found,) = json.loads(docker("image", "inspect", name))
    return dict(found)


def network(name: str) -> dict[str, Any]:
    (found,) = json.loads(docker("network", "inspect", name))
    return dict(found)


def has_image(name: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False).returncode == 0


@dataclass(frozen=True, slots=True)
class Images:
    """Our images, built from this checkout for this run."""

    tag: str
    server: str
    client: str
    python: str
    """What both are built on."""
    variables: dict[str, str]
    """What to tell the compose file about images."""
    is_airgapped: bool
    """The images that ours are built on and run beside are those of deploy/airgap; there is no Grafana among them."""


def build_images(tag: str, environment_file: Path, say: Callable[[str], None]) -> Images:
    """Build both images as `docker compose build` does, and tell of each step."""
    airgap = {name: value for name, value in dotenv_values(_AIRGAP).items() if value and has_image(value)}
    chosen = airgap | {name: os.environ[name] for name in _CHOSEN if name in os.environ}
    images = {"SERVER_IMAGE": f"chat-relay-server:{tag}", "CLIENT_IMAGE": f"chat-client:{tag}"}
    environment_file.write_text("".join(f"{name}={value}\n" for name, value in (chosen | images).items()))
    python = chosen.get("PYTHON_IMAGE") or _pinned_python()
    say(f"building {' and '.join(images.values())} on {python}")
    # A project of its own: images say which they belong to, and what is started from them inherits it.
    project = ("--env-file", str(environment_file), "--project-name", tag)
    command = ["docker", "compose", "--progress", "plain", *project, "build"]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | images
    ) as build:
        assert build.stdout
        said = [line.rstrip() for line in _told(build.stdout, say)]
    assert build.returncode == 0, "\n".join(said)
    is_airgapped = "PROMETHEUS_IMAGE" in airgap and chosen["PROMETHEUS_IMAGE"] == airgap["PROMETHEUS_IMAGE"]
    return Images(tag, images["SERVER_IMAGE"], images["CLIENT_IMAGE"], python, chosen | images, is_airgapped)


def _pinned_python() -> str:
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile.server").read_text(), re.MULTILINE)
    assert found
    return found[1]


def _told(lines: Iterable[str], say: Callable[[str], None]) -> Iterator[str]:
    said: set[str] = set()
    for line in lines:
        # The head of a step, once: #12 [relay build 3/9] RUN ...
        if " internal]" not in line and (head := re.match(r"#\d+ (\[.*?\] .{,60})", line)) and head[1] not in said:
            said.add(head[1])
            say(head[1].rstrip())
        yield line


def remove_images(images: Images) -> None:
    docker("image", "rm", images.server, images.client)


def remove_labelled(label: str) -> None:
    """Remove all containers, networks and volumes that carry a label."""
    chosen = ("--quiet", "--filter", f"label={label}")
    for kind, listing in (("container", ("--all", "--no-trunc")), ("network", ()), ("volume", ())):
        if found := docker(kind, "ls", *listing, *chosen).split():
            docker(kind, "rm", *(("--force", "--volumes") if kind == "container" else ()), *found)


def stop(container_id: str) -> None:
    """Stop a container as `docker stop` does: its process must end by itself, with 0, before it would be killed."""
    since = docker("system", "info", "--format", "{{.SystemTime}}").strip()
    docker("stop", "--time", str(_KILL_SECONDS), container_id)
    stopped = container(container_id)
    state, image_name = stopped["State"], str(stopped["Config"]["Image"])
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False), (image_name, state)
    chosen = ("--filter", f"container={container_id}", "--filter", "event=kill", "--format", "{{.TimeNano}}")
    # The engine notes that it asked once it has: a quick process has ended by then.
    until = docker("system", "info", "--format", "{{.SystemTime}}").strip()
    asked, *_ = docker("events", "--since", since, "--until", until, *chosen).split()
    seconds = datetime.fromisoformat(state["FinishedAt"]).timestamp() - int(asked) / _NANOSECONDS
    name = image_name.partition(":")[0]
    stops[name] = max(seconds, stops.get(name, 0.0))
