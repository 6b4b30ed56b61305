"""docs/limits.md is up to date: every limit with its default, and tests that exist and check the counters."""

import ast
import re

import pytest

from docs.markdown import ROOT, read
from relay_server.described import describe
from relay_server.settings import Settings, variable

TEXT = read("docs/limits.md")
SECTIONS = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", TEXT, re.MULTILINE))
LIMITS = re.compile(r"RELAY_(MAX_\w+|\w+_RATE|\w+_BURST|\w+_TIMEOUT_SECONDS|\w+_PER_MINUTE)")


def rows(section: str) -> list[list[str]]:
    """Return the cells of a section's table, without its head."""
    lines = re.findall(r"^\| (.+) \|$", SECTIONS[section], re.MULTILINE)
    return [line.split(" | ") for line in lines[1:]]


def test_every_limit_has_its_row_and_its_default() -> None:
    defaults = {setting.name: setting.default for setting in describe(Settings.model_construct(), {})}
    assert {name for name in defaults if LIMITS.fullmatch(name)} <= {row[0].strip("`") for row in set_limits()}
    for name, default, *_ in set_limits():
        assert default == f"`{defaults[name.strip('`')]}`", name


def set_limits() -> list[list[str]]:
    return rows("Limits you can set")


def test_the_settings_are_there() -> None:
    assert {variable(field) for field in Settings.model_fields} >= {row[0].strip("`") for row in set_limits()}


@pytest.mark.parametrize("test", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", TEXT))))
def test_the_test_exists(test: str) -> None:
    path, _, function = test.partition("::")
    names = [node.name for node in ast.walk(ast.parse(read(path))) if isinstance(node, ast.FunctionDef)]
    assert function in names


@pytest.mark.parametrize("section", ["Limits you can set", "Limits that are fixed"])
def test_every_limit_is_shown_by_a_test(section: str) -> None:
    for row in rows(section):
        assert re.search(r"`tests/\w+/[\w/]+\.py::test_\w+`", row[-1]), row[0]


STARTS_RELAYS = {"tests/faults/relays.py"}
"""What starts relays for the attacks, and checks the books of each in the end."""


def starts_relays(tree: ast.Module) -> bool:
    """Tell whether a module starts a process that is a relay."""
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    told = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return bool(
        called & {"OwnRelay", "BuggyRelay", "RelayInside", "ReplaceableRelay"}
        or told & {"relay_server", "relay-server"}
    )


def test_every_attacked_relay_has_its_counters_checked() -> None:
    promise = "Each test ends by checking that the relay's counters are consistent (CON-01, CON-02)"
    assert promise in " ".join(TEXT.split())
    modules = (path.relative_to(ROOT) for path in (ROOT / "tests/faults").glob("*.py"))
    assert {str(path) for path in modules if starts_relays(ast.parse(read(str(path))))} == STARTS_RELAYS
