"""Rules and dashboard name nothing but what a real webhook and a real API server have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

import pytest

from leadergate.model import Reason
from leadergate.nudge import Outcome

from .night import Page, Pages
from .rulefile import DASHBOARD, Use, grouped, rules, uses

# Values that the night does not bring, and who can.
UNSEEN: dict[tuple[str, str], set[str]] = {
    ("leadergate_nudges_total", "outcome"): set(Outcome),
    ("leadergate_reviews_total", "reason"): set(Reason),
    # Of kube-apiserver, `pkg/admission/plugin/webhook/validating`: the third kind beside those that are seen here.
    ("apiserver_admission_webhook_rejection_count", "error_type"): {"apiserver_internal_error"},
}
# Labels that Prometheus adds when it scrapes, or that are made of others.
SCRAPED = {"instance", "pod", "le"}


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, and whose it is."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for one in dashboard["annotations"]["list"]:
        if "expr" in one:
            yield one["name"], one["expr"]
    for one in dashboard["templating"]["list"]:
        if one["type"] == "query":
            yield one["name"], one["definition"]


def test_all_that_is_named_is_there(pages: Pages) -> None:
    """Metrics, their labels, and the labels' values."""
    faults = [f"{whose}: {fault}" for whose, text in expressions() for fault in faults_of(text, pages)]
    assert faults == []


def faults_of(expression: str, pages: Pages) -> list[str]:
    """What an expression names that is nowhere."""
    found: list[str] = []
    labels = set(SCRAPED)
    named = list(uses(expression))
    if not named:
        return ["it names no metric"]
    for use in named:
        sets = pages.label_sets(use.metric)
        if sets is None:
            found.append(f"there is no metric {use.metric}")
            continue
        labels |= {label for one in sets for label in one}
        found += values(use, sets)
    return found + [f"no metric has the label {label}" for label in sorted(grouped(expression) - labels)]


def values(use: Use, sets: Sequence[Mapping[str, str]]) -> list[str]:
    """What is wrong with a metric's matchers."""
    found = []
    for label, operator, value in use.matchers:
        there = {one[label] for one in sets if label in one}
        if not there:
            found.append(f"{use.metric} has no label {label}")
        elif value.startswith("$"):
            continue
        elif operator in ("=", "!="):
            wanted = {value} - there - UNSEEN.get((use.metric, label), set())
            found += [f"{use.metric}: {label} is never {one}" for one in wanted]
        elif re.fullmatch(r"[\w|-]+", value):
            wanted = set(value.split("|")) - there - UNSEEN.get((use.metric, label), set())
            found += [f"{use.metric}: {label} is never {one}" for one in wanted]
        elif not any(re.fullmatch(value, one) for one in there):
            found.append(f"{use.metric}: no {label} matches {value}")
    return found


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("leadergate_rejection_total", "there is no metric leadergate_rejection_total"),
        ('leadergate_rejections_total{standing="former"}', "standing is never former"),
        ('leadergate_rejections_total{standing=~"follower|nobody"}', "standing is never nobody"),
        ('leadergate_rejections_total{pods="a"}', "leadergate_rejections_total has no label pods"),
        ("sum by (gates) (leadergate_rejections_total)", "no metric has the label gates"),
        ('apiserver_admission_webhook_request_total{name=~".+[.]example[.]org"}', "no name matches"),
        ("vector(1)", "it names no metric"),
    ],
)
def test_a_wrong_name_is_found(pages: Pages, expression: str, fault: str) -> None:
    """The test above does look."""
    (found,) = faults_of(expression, pages)
    assert fault in found


def test_a_page_is_read_as_it_is() -> None:
    """Escaped labels, families without samples, histograms."""
    page = Page.parse('# HELP a b\n# TYPE a counter\n# TYPE h histogram\nb{x="q\\"r",y="{}"} 1e+09\nc 2\n')
    assert page.types == {"a": "counter", "h": "histogram"}
    assert page.samples["b"] == [{"x": 'q\\"r', "y": "{}"}]
    assert page.samples["c"] == [{}]
    assert {"a", "h_bucket", "h_sum", "h_count"} <= page.samples.keys()
