"""The scripts for sites without an image registry: what they refuse, what they leave alone, what Compose sees."""

import re
import subprocess

import pytest
from dotenv import dotenv_values

from deploy.compose import AIRGAP, BASE, configured, run
from docs.markdown import ROOT, read

IMAGES = {name: value or "" for name, value in dotenv_values(ROOT / "deploy/airgap/images.env").items()}
PYTHON_TAG = re.compile(r"python:(3\.\d+)(?:\.\d+)?-(slim-\w+)$")


@pytest.mark.parametrize("name", ["engine", "images", "test-tools"])
def test_an_unknown_argument_is_refused_with_one_sentence(name: str) -> None:
    refused = run(f"deploy/airgap/{name}.sh", "nonsense")
    assert refused.returncode == 2
    assert not refused.stdout
    assert re.fullmatch(rf"{name}: .* (?:use|run) {name}\.sh.*\.\n", refused.stderr)


@pytest.mark.needs("docker")
def test_an_engine_that_runs_already_is_left_as_it_is() -> None:
    def engine() -> str:
        asked = ["docker", "info", "--format", "{{.ID}} {{.ServerVersion}} {{.Driver}}"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout

    before = engine()
    started = subprocess.run(["deploy/airgap/engine.sh"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not started.returncode, started.stderr
    assert re.fullmatch(r"engine: Docker .+, Compose .+ answers already and stays as it is\n", started.stdout)
    assert engine() == before


def test_the_base_image_stands_in_for_the_default_one() -> None:
    (default,) = re.findall(r"^ARG PYTHON_IMAGE=(.+)$", read("Dockerfile.server"), re.MULTILINE)
    ours, theirs = PYTHON_TAG.search(IMAGES["PYTHON_IMAGE"]), PYTHON_TAG.search(default)
    assert ours
    assert theirs
    assert ours.groups() == theirs.groups()
    for name in ("prometheus", "nats", "caddy"):
        assert f"ARG PYTHON_IMAGE={IMAGES['PYTHON_IMAGE']}\n" in read(f"deploy/airgap/{name}.Dockerfile")


def test_compose_builds_and_runs_on_these_images_alone_and_looks_for_none_elsewhere() -> None:
    services = configured(BASE, AIRGAP, environment=IMAGES)["services"]
    assert services["grafana"]["profiles"] == ["grafana"]
    assert services["relay"]["build"]["args"]["PYTHON_IMAGE"] == IMAGES["PYTHON_IMAGE"]
    assert services["prometheus"]["image"] == IMAGES["PROMETHEUS_IMAGE"]
    assert services["prometheus"]["pull_policy"] == "never"
    built = {service["image"] for service in services.values() if "build" in service}
    started = {service["image"] for name, service in services.items() if name != "grafana"}
    assert started - built == {IMAGES["PROMETHEUS_IMAGE"]}
