"""The rules of docs/protocol.md and the tests that name them agree, both ways."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "protocol.md"
RULE = re.compile(r"^- \*\*([A-Z]+-\d\d)\*\* ", re.MULTILINE)


def rules() -> list[str]:
    return RULE.findall(DOCUMENT.read_text(encoding="utf-8"))


def is_requirement(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.requirement"


def marked(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each rule that a test function of the file names, with the function's name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for call in filter(is_requirement, node.decorator_list):
            assert isinstance(call, ast.Call)
            assert node.name.lower().startswith("test"), f"{path}: {node.name} is no test"
            assert call.args, f"{path}: {node.name} names no rule"
            for argument in call.args:
                yield ast.literal_eval(argument), f"{path.relative_to(TESTS)}::{node.name}"


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
