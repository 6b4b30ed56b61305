"""What linters say of Dockerfiles and shell scripts: nothing."""

import re
from pathlib import Path

import pytest

import bot_client
import messenger
import relay_server
from deploy.compose import run, tool
from docs.markdown import ROOT, read

DOCKERFILES = sorted(
    str(path.relative_to(ROOT)) for path in [*ROOT.glob("Dockerfile.*"), *ROOT.glob("deploy/**/*.Dockerfile")]
)
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ROOT.iterdir()
    if folder.is_dir() and not folder.name.startswith(".")
    for path in folder.rglob("*.sh")
)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_hadolint_finds_nothing(name: str) -> None:
    checked = run(tool("hadolint"), name)
    assert not checked.returncode, checked.stdout + checked.stderr


def test_shellcheck_finds_nothing() -> None:
    assert SCRIPTS
    assert Path(ROOT, ".ci/run").read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    checked = run(tool("shellcheck"), ".ci/run", *SCRIPTS)
    assert not checked.returncode, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", ["Dockerfile.server", "Dockerfile.client"])
def test_the_label_says_which_version_is_inside(name: str) -> None:
    (version,) = re.findall(r"^ARG VERSION=(.+)$", read(name), re.MULTILINE)
    assert {version} == {relay_server.__version__, bot_client.__version__, messenger.__version__}
