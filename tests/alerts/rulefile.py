"""The alert rules and their promtool tests, as plain values; and what PromQL names, by its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "alerts" / "leadergate.rules.yaml"
DASHBOARD = DEPLOY / "dashboards" / "leadergate.json"
CHART_FILES = DEPLOY / "helm" / "leadergate" / "files"
TESTS = sorted((Path(__file__).parent / "rules").glob("*.test.yaml"))

_METRIC = re.compile(r"\b(?P<name>(?:leadergate|apiserver|process)_\w+)\s*(?:\{(?P<matchers>[^{}]*)\})?")
_MATCHER = re.compile(r'(?P<label>\w+)\s*(?P<operator>=~|!~|!=|=)\s*"(?P<value>[^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\((?P<labels>[^()]*)\)")


@dataclass(frozen=True, slots=True)
class Use:
    """A metric that an expression names, with its matchers: label, operator, value."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]


def rules() -> list[dict[str, Any]]:
    """All rules of the file."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    """All promtool tests."""
    return [case for file in TESTS for case in yaml.safe_load(file.read_text())["tests"]]


def uses(expression: str) -> Iterator[Use]:
    """The metrics that an expression names."""
    for found in _METRIC.finditer(expression):
        matchers = _MATCHER.finditer(found["matchers"] or "")
        yield Use(found["name"], tuple((one["label"], one["operator"], one["value"]) for one in matchers))


def grouped(expression: str) -> set[str]:
    """The labels that an expression groups or joins by."""
    found = (one["labels"].split(",") for one in _GROUPING.finditer(expression))
    return {label.strip() for labels in found for label in labels} - {""}
