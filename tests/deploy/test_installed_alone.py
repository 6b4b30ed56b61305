"""Each package alone, in a virtual environment with nothing but what it declares: all its modules can be imported.

The environment takes the locked versions from the one that the tests run in, so nothing is downloaded. pip installs
the package and refuses it if something that it declares is missing.
"""

import ast
import json
import subprocess
import sys
import tomllib
import venv
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from docs.markdown import ROOT

MANIFESTS: Final = {path.parent: tomllib.loads(path.read_text())["project"] for path in ROOT.glob("*/*/pyproject.toml")}
"""What each of the project's packages says of itself, by its folder."""
DECLARED: Final[Mapping[str, Mapping[str, list[str]]]] = {
    project["name"]: {"": project["dependencies"], **project.get("optional-dependencies", {})}
    for project in MANIFESTS.values()
}
"""The requirements of our packages, by the extra that brings them."""

# Prints a JSON object: the modules that can't be imported, each with the name of what it lacks.
IMPORT_ALL: Final = """
import importlib, json, pkgutil, sys
lacking = {}
def walk(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        lacking[name] = error.name
        return
    for found in pkgutil.iter_modules(getattr(module, "__path__", ()), name + "."):
        walk(found.name)
walk(sys.argv[1])
print(json.dumps(lacking))
"""


def closure(*requirements: str) -> dict[str, Distribution]:
    """Return what these requirements bring besides our own packages, as it is installed here."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            if name in DECLARED:
                lines = DECLARED[name][extra]
            else:
                found[name] = distribution(name)
                lines = found[name].requires or []
            wanted = map(Requirement, lines)
            waiting += [each for each in wanted if not each.marker or each.marker.evaluate({"extra": extra})]
    return found


def modules_of(distributions: AbstractSet[str]) -> set[str]:
    """Return what one imports of these distributions."""
    installed = packages_distributions().items()
    return {root for root, names in installed if not distributions.isdisjoint(map(canonicalize_name, names))}


def link(found: Distribution, site: Path) -> None:
    """Have a virtual environment see what another one has installed."""
    for file in found.files or ():
        place = site / file
        if ".." not in file.parts and not place.exists():  # programs lie outside; two may bring the same byte code
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(file.locate())


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder, *MANIFESTS], check=True, timeout=50)
    return folder


def import_all(wanted: str, *, wheels: Path, folder: Path) -> dict[str, str]:
    """Install a package alone; return its modules that lack something, and what."""
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    (site,) = folder.glob("lib/python*/site-packages")
    for found in closure(wanted).values():
        link(found, site)
    install: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index"]
    subprocess.run([*install, "--find-links", wheels, wanted], check=True, timeout=50)
    name = Requirement(wanted).name.replace("-", "_")
    run: list[str | Path] = [python, "-I", "-W", "error", "-c", IMPORT_ALL, name]
    lacking: dict[str, str] = json.loads(subprocess.run(run, check=True, stdout=subprocess.PIPE, timeout=50).stdout)
    return lacking


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_a_package_imports_only_what_it_declares(name: str, wheels: Path, tmp_path: Path) -> None:
    lacking = import_all(name, wheels=wheels, folder=tmp_path / "alone")
    extras = [f"{name}[{extra}]" for extra in DECLARED[name] if extra]
    brought = modules_of(closure(*extras).keys() - closure(name).keys())
    assert {lacked.partition(".")[0] for lacked in lacking.values()} <= brought, lacking
    assert bool(lacking) == bool(extras), "an extra that no module needs, or an environment that isn't alone"


@pytest.mark.parametrize("folder", sorted(MANIFESTS), ids=lambda folder: folder.name)
def test_a_package_declares_itself_what_it_imports(folder: Path) -> None:
    """A library that another one happens to bring may be gone with that one's next version."""
    name: str = MANIFESTS[folder]["name"]
    declared = {canonicalize_name(Requirement(line).name) for lines in DECLARED[name].values() for line in lines}
    trees = [ast.parse(path.read_bytes()) for path in folder.glob("src/**/*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    roots = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    ours = {each.replace("-", "_") for each in {name, *declared}}  # what is installed from its folder lists no modules
    assert not roots - modules_of(declared) - ours


@pytest.mark.needs("desktop")
def test_the_window_imports_only_what_its_extra_declares(wheels: Path, tmp_path: Path) -> None:
    assert not import_all("messenger[desktop]", wheels=wheels, folder=tmp_path / "alone")
