"""The committed dashboards are what the code builds, and ask for nothing that isn't there."""

import re
from typing import Any

import pytest
import yaml

from boards.__main__ import DASHBOARDS, built
from docs.markdown import ROOT, read
from observability.queries import Query, dashboards, metric, panels, rules

PROMETHEUS_OWN = {"up", "ALERTS", "process_resident_memory_bytes", "process_cpu_seconds_total"}
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"


def every_panel() -> list[Any]:
    return [
        pytest.param(panel, id=f"{name}: {panel['title']}")
        for name, dashboard in dashboards().items()
        for panel in panels(dashboard)
    ]


@pytest.fixture(scope="module")
def known() -> set[str]:
    documented = re.findall(r"^\| `((?:relay|bot)_\w+)", read("docs/metrics.md") + read("docs/bots.md"), re.MULTILINE)
    recorded = {rule.place for kind, rule in rules() if kind == "record"}
    assert len(documented) > 40
    return {*documented, *recorded} | PROMETHEUS_OWN


@pytest.mark.parametrize("name", sorted(built()))
def test_the_committed_dashboard_is_what_the_code_builds(name: str) -> None:
    assert (DASHBOARDS / name).read_text(encoding="utf-8") == built()[name], "run `make dashboards`"


def test_there_are_no_others() -> None:
    assert {path.name for path in DASHBOARDS.iterdir()} == set(built())


def test_building_twice_gives_the_same() -> None:
    assert built() == built()


def test_all_dashboards_have_names_of_their_own() -> None:
    for key in ("uid", "title"):
        assert len({dashboard[key] for dashboard in dashboards().values()}) == len(dashboards())


@pytest.mark.parametrize("name", dashboards())
def test_panels_stand_side_by_side_with_numbers_of_their_own(name: str) -> None:
    found = dashboards()[name]["panels"]
    numbers = [panel["id"] for panel in found]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for spot in (panel["gridPos"] for panel in found):
        cells = {(spot["x"] + x, spot["y"] + y) for x in range(spot["w"]) for y in range(spot["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize("panel", every_panel())
def test_a_panel_has_title_description_and_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert re.fullmatch(r"[A-Z'].{20,}[.?%]", panel["description"]), "a sentence or more"
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "prometheus"


@pytest.mark.parametrize("panel", every_panel())
def test_a_panel_queries_existing_metrics(panel: dict[str, Any], known: set[str]) -> None:
    asked = {
        re.sub("_(bucket|sum|count)$", "", metric(selector))
        for target in panel["targets"]
        for selector in Query(panel["title"], target["expr"]).selectors()
    }
    assert asked
    assert asked <= known


@pytest.mark.parametrize("panel", every_panel())
def test_its_queries_have_letters_and_legends(panel: dict[str, Any]) -> None:
    letters = [target["refId"] for target in panel["targets"]]
    assert len(set(letters)) == len(letters)
    assert all(target["legendFormat"] for target in panel["targets"])


@pytest.mark.parametrize("name", dashboards())
def test_a_dashboard_refreshes_by_itself(name: str) -> None:
    dashboard = dashboards()[name]
    assert (dashboard["time"], dashboard["refresh"]) == ({"from": "now-15m", "to": "now"}, "5s")


def test_panel_links_lead_to_runbooks() -> None:
    every = [panel for dashboard in dashboards().values() for panel in panels(dashboard)]
    links = [link for panel in every for link in panel.get("links", ())]
    texts = {panel["id"]: panel for panel in dashboards()["runbooks"]["panels"]}
    assert {panel["title"] for panel in texts.values()} == {rule.place for kind, rule in rules() if kind == "alert"}
    assert len(links) > 20
    for link in links:
        number = int(link["url"].removeprefix("/d/chat-runbooks/runbooks?viewPanel="))
        assert link["title"] == f"Runbook: {texts[number]['title']}"
        assert "**Fix:**" in texts[number]["options"]["content"]


def test_the_data_source_is_the_one_that_dashboards_name() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert (source["uid"], source["url"]) == ("prometheus", "http://prometheus:9090")
    scrape = yaml.safe_load(read("deploy/prometheus/prometheus.yml"))["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scrape


def test_every_colour_belongs_to_an_existing_value() -> None:
    reasons = set(re.findall(r"`(\w+)`", read("docs/metrics.md")))
    named = {
        override["matcher"]["options"]
        for dashboard in dashboards().values()
        for panel in panels(dashboard)
        if panel["targets"][0]["legendFormat"] in {"{{reason}}", "{{status}}"}
        for override in panel["fieldConfig"]["overrides"]
    }
    assert named
    assert named <= reasons
