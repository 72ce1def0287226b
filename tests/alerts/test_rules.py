"""The alert rules by a real promtool: each fires when it must, and not when it must not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadergate_lab.promtool import run

from .rulefile import CHART_FILES, RULES, TESTS, cases, rules, uses

DOCS = Path(__file__).parents[2] / "docs"
FIRES, QUIET = "fires", "quiet"
# Where nothing is rejected, nobody is woken.
CRITICAL_IN_ENFORCE = '{{ if eq $labels.mode "enforce" }}critical{{ else }}warning{{ end }}'


def test_the_rules_are_rules(promtool: Path) -> None:
    """By promtool's check, its lint included."""
    done = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules())} rules found" in done.stdout


@pytest.mark.parametrize("file", TESTS, ids=[file.name.partition(".")[0] for file in TESTS])
def test_series(promtool: Path, file: Path) -> None:
    """What fires on these series, and what does not."""
    done = run(promtool, "test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tested_both_ways() -> None:
    """With series that fire it and with near misses, which have every metric of the rule that a night can bring."""
    named: dict[str, dict[str, list[dict[str, Any]]]] = {rule["alert"]: {FIRES: [], QUIET: []} for rule in rules()}
    for case in cases():
        alert, _, story = case["name"].partition(": ")
        if alert in named:
            named[alert][story.split()[0]].append(case)
    for rule in rules():
        alert, both = rule["alert"], named[rule["alert"]]
        metrics = {use.metric for use in uses(rule["expr"])}
        assert both[FIRES], f"{alert} has no case that fires it"
        assert both[QUIET], f"{alert} has no case that does not"
        assert all(any(expected(case, alert)) for case in both[FIRES]), f"a case of {alert} expects nothing"
        assert not any(any(expected(case, alert)) for case in both[QUIET]), f"a quiet case of {alert} expects it"
        assert all(expected(case, alert) for case in both[QUIET]), f"a quiet case of {alert} does not look at it"
        for case in both[FIRES] + both[QUIET]:
            given = {one["series"].partition("{")[0] for one in case["input_series"]}
            assert given & metrics, f"{case['name']}: none of the series is one that the rule reads"


def expected(case: dict[str, Any], alert: str) -> list[list[Any]]:
    """What a case expects of ``ALERTS`` at each time that it looks."""
    looks = case.get("promql_expr_test", [])
    return [look["exp_samples"] for look in looks if f'alertname="{alert}"' in look["expr"]]


def test_a_rule_that_is_wrong_is_found(promtool: Path, tmp_path: Path) -> None:
    """The cases do look: a rule that looks at other webhooks than ours fails them."""
    (tmp_path / RULES.name).write_text(RULES.read_text().replace("[.]leadergate[.]dev", "[.]example[.]org"))
    (cases_of,) = [file for file in TESTS if file.name.startswith("verdicts.")]
    copy = tmp_path / cases_of.name
    copy.write_text(re.sub(r"rule_files: .*", f"rule_files: [{RULES.name}]", cases_of.read_text()))
    done = run(promtool, "test", "rules", copy)
    assert done.returncode == 1
    assert "LeadergateFailingClosed" in done.stdout + done.stderr


def test_the_chart_has_the_same() -> None:
    """One file: deploy/alerts and deploy/dashboards point into the chart, which can reach nothing outside of itself."""
    assert RULES.resolve() == CHART_FILES.resolve() / RULES.name


def test_what_an_engineer_reads() -> None:
    """Each rule says how urgent it is, what is wrong and what to do, and where the page goes on."""
    page = (DOCS / "alerts.md").read_text()
    sections = re.findall(r"^### (\S+)$", page, re.MULTILINE)
    assert sections == [rule["alert"] for rule in rules()]
    for rule in rules():
        assert set(rule["labels"]) == {"severity"}
        severity = rule["labels"]["severity"].replace(CRITICAL_IN_ENFORCE, "critical")
        assert severity in {"critical", "warning", "info"}
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"
        told = re.search(rf"^### {rule['alert']}\n(\w+)(.*)", page, re.MULTILINE)
        assert told is not None
        assert told[1].lower() == severity
        assert told[2].startswith("; a warning unless the gate is in mode `enforce`.") == (
            severity != rule["labels"]["severity"]
        )


def test_yaml_is_read_alike() -> None:
    """No group or rule comes twice."""
    groups = [group["name"] for group in yaml.safe_load(RULES.read_text())["groups"]]
    names = [rule["alert"] for rule in rules()]
    assert len(set(groups)) == len(groups)
    assert len(set(names)) == len(names)
