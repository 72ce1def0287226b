"""The LogQL queries of docs/otlp.md name what records have, under names that nothing else has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadergate.otlp.entry import entry

from .made import read

DOCUMENT = Path(__file__).parents[2] / "docs" / "otlp.md"
# Labels of pods' streams as Alloy, Promtail and Loki itself give them. Where a stream has a label, Loki calls a field
# of that name `…_extracted`, and a query that says `pod` speaks of the webhook's own.
OF_STREAMS = {
    *(
        "app",
        "cluster",
        "component",
        "container",
        "detected_level",
        "filename",
        "instance",
        "job",
        "level",
        "namespace",
    ),
    *("node_name", "pod", "service_name", "stream"),
}


def queries() -> list[str]:
    """Those of the document, the ones on standard output first."""
    return re.findall(r"```logql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


def asked(query: str) -> Iterator[tuple[str, str]]:
    """The fields that a query takes out of the JSON: their names there, and their paths."""
    for stage in re.findall(r'\| json (\w+="[^\n]*)', query):
        yield from re.findall(r'(\w+)="([\w.]+)"', stage)


def spoken_of(query: str) -> set[str]:
    """The names that a query filters, groups and prints by, those of its stream apart."""
    stages = re.sub(r"\{[^{}.]*=[^{}]*\}", "", query)
    named = set(re.findall(r"\{\{\.(\w+)\}\}", stages)) | set(re.findall(r"\| (\w+)(?:=|!=)", stages))
    for labels in re.findall(r"by \(([^()]*)\)", stages):
        named |= {label.strip() for label in labels.split(",")}
    return named


def flat(fields: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The paths of a record."""
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name


@pytest.mark.parametrize("query", [one for one in queries() if "container=" in one])
def test_on_standard_output(query: str) -> None:
    """What is asked for is there, no stream has a label of that name, and what is spoken of was asked for."""
    fields = dict(asked(query))
    assert set(fields.values()) <= set(flat(read()))
    assert not fields.keys() & OF_STREAMS
    assert spoken_of(query) == fields.keys()


@pytest.mark.parametrize("query", [one for one in queries() if "service_name=" in one])
def test_on_otlp(query: str) -> None:
    """Each name is an attribute, with ``_`` for ``.``."""
    named = spoken_of(query)
    assert named
    assert named <= {attribute.replace(".", "_") for attribute in entry(read()).attributes}


def test_each_question_is_asked_both_ways() -> None:
    """Every query of the document is in one of the two tests above."""
    ways = [("container=" in query, "service_name=" in query) for query in queries()]
    assert ways == [(True, False)] * 5 + [(False, True)] * 5
