"""An ordinary cluster, in which other products have their webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from .clinic import Clinic
from .neighbours import NEIGHBOURS
from .objects import REGISTRATION


@pytest.fixture(scope="module")
def findings(clinic: Clinic) -> list[dict[str, Any]]:
    """What is found while all of them are there."""
    try:
        clinic.apply(*NEIGHBOURS)
        _, findings = clinic.findings()
    finally:
        for one in NEIGHBOURS:
            kind = f"{one['kind'].lower()}s"
            clinic.delete(f"/apis/{REGISTRATION}/v1/{kind}/{one['metadata']['name']}")
    return findings


def test_they_are_no_fault_of_ours(findings: list[dict[str, Any]]) -> None:
    """Nothing is called wrong for their sake, and none of them is taken for a gate."""
    assert [one for one in findings if one["level"] == "wrong"] == []
    gated = {one["says"] for one in findings if one["check"] == "gates"}
    assert gated == {"2 gate(s) ask this webhook"}


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("other-webhooks", "kyverno-resource-validating-webhook-cfg validate.kyverno.svc-fail judges the status"),
        ("webhooks-on-leases", "validate.kyverno.svc-fail is asked about renewals of Leases"),
        ("webhooks-on-leases", "validation.gatekeeper.sh may be asked about renewals of Leases"),
        ("webhooks-on-leases", "mutation.gatekeeper.sh may be asked about renewals of Leases"),
    ],
)
def test_what_they_do_is_noted(findings: list[dict[str, Any]], check: str, said: str) -> None:
    """Where it may hold up writes or elections."""
    assert [one for one in findings if (one["check"], one["level"]) == (check, "note") and said in one["says"]]


@pytest.mark.parametrize("name", ["monitor-webhook", "istio", "cert-manager", "nginx", "cnpg", "svc-ignore judges"])
def test_who_is_not_in_the_way_is_not_named(findings: list[dict[str, Any]], name: str) -> None:
    """They look at other things, or cannot stop a write."""
    told = [one for one in findings if one["check"].startswith(("other-webhooks", "webhooks-on-own"))]
    told += [one for one in findings if one["check"] == "webhooks-on-leases" and name != "svc-ignore judges"]
    assert not [one for one in told if name in one["says"]]
