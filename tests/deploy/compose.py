"""The compose files as Compose itself reads them, without an engine."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from docs.markdown import ROOT

BASE: Final = "docker-compose.yml"
HOST: Final = "deploy/compose/host.yaml"
CLUSTER: Final = "deploy/compose/cluster.yaml"
PUBLIC: Final = "deploy/compose/public.yaml"
PUBLIC_HOST: Final = "deploy/compose/public-host.yaml"
AIRGAP: Final = "deploy/airgap/compose.yaml"
PAGE: Final = "deploy/compose/page"
"""Files that the base one reads."""


def tool(name: str) -> str:
    """Return the path of a command that came with the development tools."""
    return str(Path(sys.executable).with_name(name))


def run(*command: str, environment: Mapping[str, str] = MappingProxyType({})) -> subprocess.CompletedProcess[str]:
    """Run a tool in the project's folder, with no environment but this one."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(ROOT / "nowhere"), **environment},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def configured(*files: str, environment: Mapping[str, str] = MappingProxyType({}), folder: Path | None = None) -> Any:
    """Return what Compose makes of the files, every profile on: in the project without its .env, or in a folder."""
    if folder:
        shutil.copytree(ROOT / PAGE, folder / PAGE, dirs_exist_ok=True)
    named = [word for file in files or (BASE,) for word in ("-f", file)]
    placed = ["--project-directory", str(folder)] if folder else ["--env-file", os.devnull]
    command = [tool("docker-compose"), *named, *placed, "--profile", "*", "config", "--format", "json"]
    ended = run(*command, environment=environment)
    assert not ended.returncode, ended.stderr
    assert not ended.stderr, ended.stderr  # such as a variable that nobody sets
    return json.loads(ended.stdout)
