"""The rules of docs/protocol.md and the tests that name them agree, both ways, and so do the rules' levels."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeGuard

import pytest

from conformance.target import LEVELS

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "protocol.md"
SUITE: Final = sorted((TESTS / "conformance").glob("test_*.py"))
RULE = re.compile(r"^- \*\*([A-Z]+-\d\d)\*\* ", re.MULTILINE)


def rules() -> list[str]:
    return RULE.findall(DOCUMENT.read_text(encoding="utf-8"))


def is_mark(node: ast.AST, name: str) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == f"pytest.mark.{name}"


def marked(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each rule that a test function of the file names, with the function's name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for call in (decorator for decorator in node.decorator_list if is_mark(decorator, "requirement")):
            assert node.name.lower().startswith("test"), f"{path}: {node.name} is no test"
            assert call.args, f"{path}: {node.name} names no rule"
            for argument in call.args:
                yield ast.literal_eval(argument), f"{path.relative_to(TESTS)}::{node.name}"


def levels_of(path: Path) -> list[str]:
    """Return the levels that a file of the suite names, anywhere: each file has one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [ast.literal_eval(node.args[0]) for node in ast.walk(tree) if is_mark(node, "level")]


@pytest.fixture(scope="module")
def tests_of_rules() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for rule, test in marked(path):
            found.setdefault(rule, []).append(test)
    return found


def test_the_document_has_rules_and_names_each_once() -> None:
    assert len(rules()) >= 48
    assert len(set(rules())) == len(rules())


def test_every_rule_has_a_test(tests_of_rules: dict[str, list[str]]) -> None:
    assert [rule for rule in rules() if rule not in tests_of_rules] == []


def test_every_test_names_rules_that_exist(tests_of_rules: dict[str, list[str]]) -> None:
    assert {rule: tests for rule, tests in tests_of_rules.items() if rule not in rules()} == {}


def test_every_rule_that_the_document_mentions_exists() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    prefixes = "|".join({rule.partition("-")[0] for rule in rules()})
    assert set(re.findall(rf"\b(?:{prefixes})-\d\d\b", text)) <= set(rules())


@pytest.mark.parametrize("path", SUITE, ids=lambda path: path.stem)
def test_every_test_of_the_suite_has_one_level_and_a_rule(path: Path) -> None:
    assert len(levels_of(path)) == 1
    assert set(levels_of(path)) <= set(LEVELS)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    about_all = any(
        is_mark(part, "requirement") for node in tree.body if isinstance(node, ast.Assign) for part in ast.walk(node)
    )
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    assert about_all or {name for _, name in marked(path)} == {f"{path.relative_to(TESTS)}::{name}" for name in tests}


@pytest.mark.parametrize("level", LEVELS[:-1])
def test_the_document_names_the_rules_that_each_level_tries(level: str) -> None:
    row = re.search(rf"^\| `{level}` \|.*\| (.+) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert row
    tried = {rule for path in SUITE if level in levels_of(path) for rule, _ in marked(path)}
    assert row[1].split(", ") == [rule for rule in rules() if rule in tried]
