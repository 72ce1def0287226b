"""docs/metrics.md and the webhook speak of the same metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from leadergate.events.metrics import EventMetrics, EventOutcome
from leadergate.model import LeaseKey
from leadergate.otlp.metrics import OtlpMetrics
from leadergate.otlp.metrics import Outcome as CopyOutcome

from .night import Page, Pages

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
SETTINGS = "## By setting"


@dataclass(frozen=True, slots=True)
class Told:
    """What a row of the document says of a metric."""

    kind: str
    labels: frozenset[str]
    meaning: str


def told(text: str) -> dict[str, Told]:
    """The metrics of all tables in a text."""
    found: dict[str, Told] = {}
    for row in re.findall(r"^\| `.*\|$", text, re.MULTILINE):
        names, kind, labels, meaning = (cell.strip() for cell in row.strip("|").split("|"))
        for name in re.findall(r"`(\w+)`", names):
            assert name not in found, f"{name} is there twice"
            found[name] = Told(kind, frozenset(re.findall(r"`(\w+)`", labels)), meaning)
    return found


def parts() -> tuple[dict[str, Told], dict[str, Told]]:
    """What is always there, and what comes with a setting."""
    always, setting, rest = DOCUMENT.read_text().partition(SETTINGS)
    assert setting
    return told(always), told(rest)


def must_be_same(document: Mapping[str, Told], page: Page) -> None:
    """Names, types and labels."""
    assert sorted(document) == sorted(page.types)
    for name, row in document.items():
        assert row.kind in ("", page.types[name]), name
        samples = page.samples.get(f"{name}_count", []) if page.types[name] == "histogram" else page.samples[name]
        for labels in samples:
            assert row.labels == labels.keys(), name


def test_a_webhook_as_the_chart_starts_it(pages: Pages) -> None:
    """It makes its own certificates, and all other settings are as they are by default."""
    must_be_same(parts()[0], pages.webhook)


def test_what_comes_with_a_setting() -> None:
    """Events and copies of records."""
    registry = CollectorRegistry()
    events = EventMetrics(registry, str, lambda: 0)
    events.event(LeaseKey("shop", "lock"), EventOutcome.SENT)
    events.suppressed(LeaseKey("shop", "lock"))
    OtlpMetrics(registry, lambda: 0)
    text = re.sub(r"^.*_created.*$\n", "", generate_latest(registry).decode(), flags=re.MULTILINE)
    must_be_same(parts()[1], Page.parse(text))


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("leadergate_rejection_events_total", EventOutcome),
        ("leadergate_otlp_records_total", CopyOutcome),
    ],
)
def test_every_outcome_is_named(metric: str, values: type[StrEnum]) -> None:
    """The values of the label ``outcome``."""
    told_of = set(re.findall(r"`([a-z-]+)`", parts()[1][metric].meaning))
    assert set(values) == {one for one in told_of if not one.startswith("--")}
