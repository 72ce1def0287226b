"""Settings as values: the schema knows those of the webhook, and they reach it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from annotated_types import Ge, Le
from pydantic.alias_generators import to_camel

from leadergate.settings import Settings
from leadergate_lab.helm import CHART, Helm

from .rendering import rendered
from .serving import served

THE_CHARTS = {
    "address", "port", "plain_port", "kubeconfig", "context", "service_account_directory", "certificate", "key",
    "client_ca", "pod_name", "nudge", "rejection_events", "certs_secret", "certs_service", "certs_endpoints",
    "certs_rotate",
}  # fmt: skip
"""Settings that other values of the chart, or the Pod, decide."""

OTHERS: dict[str, Any] = {
    "certificatePollSeconds": 0.5,
    "certsAlgorithm": "rsa-2048",
    "certsAuthorityLifetime": "365d",
    "certsLeafLifetime": "30d12h",
    "certsNames": "gate.example.org,192.0.2.1",
    "certsPropagation": "90s",
    "clientNames": "apiserver",
    "clockSkewSeconds": 2,
    "drainSeconds": 12.5,
    "formerHolderSeconds": 86400,
    "logLevel": "warning",
    "maxBodyBytes": 33554432,
    "maxBodyBytesInFlight": 1234567890,
    "maxInFlight": 65536,
    "nudgePerSecond": 0.1,
    "otlpEndpoint": "http://otel-collector.observability:4318",
    "readsAtOnce": 8,
    "recordAllowed": True,
    "stuckObjects": 1000000,
}
"""For each setting a value that is not its default."""


def schema() -> dict[str, Any]:
    """The schema of settings."""
    whole = json.loads((CHART / "values.schema.json").read_text())
    return dict(whole["properties"]["settings"]["properties"])


def test_every_setting_can_be_set_but_the_charts_own() -> None:
    """A setting that is added to the webhook is missed here until it is in the schema."""
    assert schema().keys() == {to_camel(name) for name in Settings.model_fields.keys() - THE_CHARTS}
    assert Settings.model_fields.keys() >= THE_CHARTS


@pytest.mark.parametrize("name", sorted(Settings.model_fields.keys() - THE_CHARTS))
def test_the_schema_has_the_bounds_of_the_webhook(name: str) -> None:
    """Type, least and most are written down twice, and must be the same."""
    field, said = Settings.model_fields[name], schema()[to_camel(name)]
    if field.annotation in (int, float):
        assert said["type"] == ("integer" if field.annotation is int else "number")
        bounds = {type(one): getattr(one, type(one).__name__.lower()) for one in field.metadata}
        assert said.get("minimum") == bounds.get(Ge)
        assert said.get("maximum") == bounds.get(Le)
    elif field.annotation is bool:
        assert said == {"type": "boolean"}
    elif "enum" in said and isinstance(field.annotation, type) and field.annotation is not str:
        assert said["enum"] == list(field.annotation)  # type: ignore[call-overload]
    else:
        assert said.get("type", "string") == "string"


def test_settings_reach_the_webhook(helm: Helm) -> None:
    """Each by its name and with its value, large numbers and fractions too, and nothing else changes."""
    assert OTHERS.keys() == schema().keys()
    usual = served(rendered(helm, {"clientAuthority": "callers"}))
    found = served(rendered(helm, {"settings": OTHERS, "clientAuthority": "callers", "nudge": True}))
    changed = {to_camel(name) for name in Settings.model_fields if getattr(found, name) != getattr(usual, name)}
    assert changed == {*OTHERS, "nudge"}
    assert found.max_body_bytes == 33554432
    assert found.max_body_bytes_in_flight == 1234567890
    assert found.drain_seconds == 12.5
    assert found.certs_leaf_lifetime.total_seconds() == 30.5 * 86400


def test_the_defaults_that_are_judged_by() -> None:
    """The chart knows two of the webhook's defaults, to refuse what the webhook would refuse at its start."""
    text = (CHART / "templates" / "refusals.yaml").read_text()
    for name in ("max_body_bytes", "max_body_bytes_in_flight"):
        assert f"default {Settings.model_fields[name].default} .Values.settings.{to_camel(name)})" in text


def test_the_usual_settings(helm: Helm) -> None:
    """The Secret and Service of the release, the ports, and the webhook's own defaults."""
    found = served(rendered(helm, {}))
    assert found == Settings(
        certs_secret="leadergate-system/leadergate-tls", certs_service="leadergate", port=10250, plain_port=8080
    )
