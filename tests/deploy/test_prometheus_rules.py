"""The rules that Prometheus loads: valid, tested both ways, explained, and about metrics that exist."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from docs.markdown import ROOT, anchors, headings, read

PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
RULES: Final = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS: Final = sorted((PROMETHEUS / "tests").glob("*.yml"))
SEVERITIES: Final = {"critical", "warning", "info"}
RUNBOOKS: Final = "docs/operations.md"

_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_ENDINGS = re.compile(r"_(bucket|sum|count)$")
OF_THE_PROCESS: Final = {"up", "process_start_time_seconds"}
"""What Prometheus itself says of a target, and what the client library says of any process."""


@cache
def load(path: Path) -> Any:
    # libyaml's is ten times as fast, and every process that collects tests reads these
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def rules(kind: str) -> list[dict[str, Any]]:
    """Return all rules of a kind, ``alert`` or ``record``."""
    groups = [group for path in RULES for group in load(path)["groups"]]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


ALERTS: Final = {str(alert["alert"]): alert for alert in rules("alert")}
RECORDED: Final = {str(rule["record"]) for rule in rules("record")}
CASES: Final = [case for path in TESTS for case in load(path)["tests"]]
every_alert = pytest.mark.parametrize("name", ALERTS)


def promtool(*arguments: str | Path) -> None:
    """Run promtool; what it finds wrong fails the test in its own words."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=50, check=False)
    assert not done.returncode, done.stdout + done.stderr


def metrics_of(expression: str) -> set[str]:
    """Return the names of the metrics that an expression reads."""
    bare = re.sub(r'"[^"]*"|#.*|\[[^\]]*\]', "", expression)
    bare = re.sub(r"\b(?:without|by|ignoring|on|group_left|group_right)\s*\([^)]*\)", "", bare)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    words = {found[0] for found in _NAME.finditer(bare) if not bare[found.end() :].lstrip().startswith("(")}
    return {word for word in words if word not in {"and", "or", "unless", "by", "offset", "sum"} and len(word) > 1}


def known_metrics() -> set[str]:
    """Return every metric that the documents name."""
    tables = read("docs/metrics.md") + read("docs/bots.md")
    return set(re.findall(r"^\| `((?:relay|bot)_\w+)(?:\{[\w,]+\})?` \|", tables, re.MULTILINE))


def outcomes(case: dict[str, Any], alert: str) -> list[bool]:
    """Return, for each look that a test case takes at an alert, whether it fires."""
    looks = case.get("alert_rule_test", [])
    return [bool(look.get("exp_alerts")) for look in looks if look["alertname"] == alert]


@pytest.mark.needs("prometheus")
def test_promtool_accepts_the_configuration() -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.needs("prometheus")
@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_promtool_accepts_the_rules(path: Path) -> None:
    promtool("check", "rules", path)


@pytest.mark.needs("prometheus")
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_rules_pass_their_unit_tests(path: Path) -> None:
    promtool("test", "rules", path)


def test_prometheus_scrapes_relays_bots_and_the_probe_by_name() -> None:
    configuration = load(PROMETHEUS / "prometheus.yml")
    found = {
        job["job_name"]: [(sorted(lookup["names"]), lookup["type"], lookup["port"]) for lookup in job["dns_sd_configs"]]
        for job in configuration["scrape_configs"]
    }
    assert found == {
        "relay": [(["relay"], "A", 9100)],
        "bot": [(["bot", "host", "load", "silent"], "A", 9101)],
        "probe": [(["probe"], "A", 9101)],
    }
    assert configuration["rule_files"] == ["rules/*.yml"]


@every_alert
def test_an_alert_has_summary_description_and_runbook(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in SEVERITIES
    annotations = alert["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook"}
    assert not annotations["summary"].endswith(".")
    assert annotations["description"].endswith(".")
    assert annotations["runbook"] == f"{RUNBOOKS}#{name.lower()}"


@every_alert
def test_an_alert_has_a_reason_for_its_threshold(name: str) -> None:
    text = (PROMETHEUS / "rules" / "alerts.yml").read_text(encoding="utf-8")
    assert re.search(rf"^ +# .+\n +- alert: {name}\n", text, re.MULTILINE)


@every_alert
def test_an_alert_has_a_runbook(name: str) -> None:
    text = read(RUNBOOKS)
    assert name.lower() in anchors(text)
    section = text.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    for part in ("**Impact:** ", "**Check:** ", "**Fix:** "):
        assert section.count(part) == 1, part


def test_every_runbook_belongs_to_an_alert() -> None:
    alerts = read(RUNBOOKS).partition("\n## Alerts\n")[2].partition("\n## ")[0]
    assert [title for level, title in headings(alerts) if level == 3] == list(ALERTS)


def test_runbooks_query_existing_metrics() -> None:
    alerts = read(RUNBOOKS).partition("\n## Alerts\n")[2].partition("\n## ")[0]
    asked = {
        metric
        for block in re.findall(r"^```promql\n(.*?)^```$", alerts, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        for metric in metrics_of(line)
    }
    assert asked
    process = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
    assert {_base(metric) for metric in asked} <= known_metrics() | RECORDED | OF_THE_PROCESS | process


@every_alert
def test_every_alert_has_a_firing_and_a_quiet_test(name: str) -> None:
    looks = [found for case in CASES if (found := outcomes(case, name))]
    assert any(any(found) for found in looks), "no test sees it fire"
    assert any(not any(found) for found in looks), "no test has a near miss, in which it never fires"


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_every_recording_rule_has_a_test(name: str) -> None:
    looked_at = [look["expr"] for case in CASES for look in case.get("promql_expr_test", []) if look.get("exp_samples")]
    assert any(name in metrics_of(expression) for expression in looked_at)


@pytest.mark.parametrize(
    "rule", [*ALERTS.values(), *rules("record")], ids=lambda rule: str(rule.get("alert") or rule["record"])
)
def test_a_rule_queries_existing_metrics(rule: dict[str, Any]) -> None:
    metrics = metrics_of(rule["expr"])
    assert metrics or rule["expr"] == "vector(0.999)"
    assert {_base(metric) for metric in metrics} <= known_metrics() | RECORDED | OF_THE_PROCESS


def test_the_objective_is_the_same_everywhere() -> None:
    (objective,) = (rule["expr"] for rule in rules("record") if rule["record"] == "service:objective:ratio")
    assert objective == "vector(0.999)"
    assert "99.9 %" in ALERTS["ErrorBudgetBurns"]["annotations"]["description"]
    assert "99.9 %" in read(RUNBOOKS)


def _base(metric: str) -> str:
    """Return a metric's name as the documents have it: histograms without their endings."""
    shorter = _ENDINGS.sub("", metric)
    return shorter if shorter in known_metrics() else metric
