"""The Grafana dashboard: what can be known of it without Grafana."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadergate_lab.promtool import run

from .rulefile import CHART_FILES, DASHBOARD

WIDTH = 24
# What Grafana puts in before it asks Prometheus.
VARIABLES = {
    "$gate": ".*",
    "$webhook": ".*",
    "$__rate_interval": "1m",
    "$__range": "6h",
}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    """The file, parsed."""
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def expressions(dashboard: dict[str, Any]) -> list[str]:
    """Every PromQL expression, as Prometheus is asked."""
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    found += [one["expr"] for one in dashboard["annotations"]["list"] if "expr" in one]
    for name, text in VARIABLES.items():
        found = [expression.replace(name, text) for expression in found]
    return found


def test_every_expression_is_promql(promtool: Path, tmp_path: Path, dashboard: dict[str, Any]) -> None:
    """By promtool: each as a rule of its own."""
    made = expressions(dashboard)
    assert len(made) > 30
    assert not [one for one in made if "$" in one]
    rules = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(made)]
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = run(promtool, "check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(made)} rules found" in done.stdout


def test_panels_are_told_apart(dashboard: dict[str, Any]) -> None:
    """Ids and titles are unique, and so are the targets of a panel; nothing is left without a word of what it shows."""
    panels = dashboard["panels"]
    for what in ("id", "title"):
        values = [panel[what] for panel in panels]
        assert len(set(values)) == len(values)
    for panel in panels:
        references = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(references)) == len(references)
        assert panel["type"] == "row" or (references and panel["description"])


def test_no_count_of_the_range_misses_a_new_series(dashboard: dict[str, Any]) -> None:
    """What begins above 0, as an API server's counters do, is counted whole if it was not there in the range before."""
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    counts = [one for one in asked if "increase(" in one and "[$__range]" in one and "takeovers" not in one]
    assert len(counts) == 4
    for expression in counts:
        (counter,) = re.findall(r"increase\((.+?)\[\$__range\]\)", expression)
        assert f"({counter} unless present_over_time({counter}[$__range] offset $__range)) or increase(" in expression


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    """Nor do they stand out of the grid, which is 24 wide."""
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    for place in places:
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= WIDTH
    for one, other in itertools.combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_the_data_source_is_chosen(dashboard: dict[str, Any]) -> None:
    """By a variable, everywhere: no installation's own uid is written in."""
    asked = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    asked += [target for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert {json.dumps(one["datasource"]) for one in asked} == {'{"type": "prometheus", "uid": "${datasource}"}'}


def test_every_variable_is_used_and_there(dashboard: dict[str, Any]) -> None:
    """Those that are chosen; Grafana knows its own."""
    names = {one["name"] for one in dashboard["templating"]["list"]}
    used = {
        one.strip("${}") for one in re.findall(r"\$\{?\w+\}?", json.dumps([dashboard["panels"], names_of(dashboard)]))
    }
    assert {one for one in used if not one.startswith("__")} == names


def names_of(dashboard: dict[str, Any]) -> list[Any]:
    """What else of the dashboard speaks of variables."""
    return [dashboard["annotations"], [one.get("datasource") for one in dashboard["templating"]["list"]]]


def test_what_matters_comes_first(dashboard: dict[str, Any]) -> None:
    """Former holders and strangers; followers, who are routine, stand apart from them."""
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert titles[:3] == ["What matters first", "Former holders", "Strangers"]
    routine = titles.index("Routine: followers, and what is admitted")
    for panel in dashboard["panels"][:routine]:
        for target in panel.get("targets", []):
            if "leadergate_rejections_total" in target["expr"]:
                assert "follower" not in target["expr"]
                assert "standing=" in target["expr"]


def test_the_chart_has_the_same() -> None:
    """One file, which the chart can reach."""
    assert DASHBOARD.resolve() == CHART_FILES.resolve() / DASHBOARD.name
