"""Each check on plain values: what is wrong with one thing at a time, and what is to be done about it."""

from __future__ import annotations

import base64
import json
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leadergate.doctor.finding import INSTALLATION, Finding, Level
from leadergate.doctor.judge import judge, missing
from leadergate.gates.spec import Service
from leadergate.survey.parts import Known
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.cluster import Stored

from . import cases_certificates, cases_installation, cases_rules, cases_writers
from .made import (
    APART,
    FOREIGN,
    JUDGED,
    LATE,
    LEASES,
    PODS,
    UNSEEN,
    URL,
    by_url,
    deployed,
    held_by,
    second,
    serving,
)
from .objects import flow_schema
from .sample import (
    NAME,
    NAMESPACE,
    PAIR,
    RULE,
    WEBHOOK,
    found,
    gated,
    leased,
    other,
    placed,
    pod,
    root,
    snapshot,
    the,
)

DOCS = Path(__file__).parents[2] / "docs" / "doctor.md"
CASES = [*cases_installation.CASES, *cases_certificates.CASES, *cases_writers.CASES, *cases_rules.CASES]


@pytest.mark.parametrize(
    ("check", "level", "looked", "says", "remedy"),
    CASES,
    ids=[f"{one[0]}-{one[1]}-{at}" for at, one in enumerate(CASES)],
)
def test_one_thing_at_a_time(check: str, level: str, looked: Snapshot, says: str, remedy: str) -> None:
    """It is said, at that level, with what is to be done."""
    said = [one for one in found(looked, check) if one.level == level and says in one.says]
    assert said, f"{level} of {check} is not said: {found(looked, check)}"
    assert remedy in said[0].remedy
    assert bool(said[0].remedy) == bool(remedy)


def test_nothing_is_wrong_with_what_is_right() -> None:
    """Every check that has something to look at says so, once for the installation or once for the gate."""
    findings = judge(snapshot())
    assert {one.level for one in findings} == {Level.RIGHT}
    twice = Counter((one.check, one.about) for one in findings if one.check != "tls")
    assert set(twice.values()) == {1}
    assert {one.check for one in findings} == {one[0] for one in CASES} - {"address", "kind"}


def test_a_gate_by_url_needs_no_service() -> None:
    """Its address is what counts, and nothing is wrong."""
    findings = judge(by_url())
    assert [one.check for one in findings if one.level is not Level.RIGHT] == ["webhook-version"]
    assert the(by_url(), "address", "right").says == f"{URL} answers"
    assert {"service", "endpoints", "disruption-budget"}.isdisjoint(one.check for one in findings)


def test_the_secret_stands_in_for_what_cannot_be_reached() -> None:
    """Its leaf is judged in place of what is served, and that is said."""
    looked = serving(None, None)
    said = the(looked, "tls", "right").says
    assert "the leaf in Secret leadergate-system/leadergate-tls is trusted" in said
    assert "no address was reached" in said


def elsewhere(pair: Any, *more: str, **changes: Any) -> Snapshot:
    """The Secret is cert-manager's, with ``more`` keys, and so is the bundle; no replica can be reached."""
    text = base64.b64encode(pair.certificate_pem).decode()
    data = {"tls.crt": text, **dict.fromkeys(more, text)}
    stored = Stored(None, "it holds no state of ours", {"metadata": {}, "data": data})
    gate = placed(**{"inject": None, "inject_from": "leadergate-system/leadergate-tls", **changes})
    return serving(None, None, gates=(gate,), stored=Known(stored))


def test_certificates_of_others_are_judged_too() -> None:
    """What a Secret of cert-manager holds stands in for what is served, and it is cert-manager that is pointed to."""
    assert {one.level for one in judge(elsewhere(PAIR))} == {Level.RIGHT}
    assert the(elsewhere(PAIR), "ca-bundle", "right").says.startswith("the caBundle trusts what Secret")
    assert "describe certificates.cert-manager.io" in the(elsewhere(FOREIGN), "tls", "wrong").remedy
    assert "describe certificates.cert-manager.io" in the(elsewhere(LATE), "certificate-expiry", "note").remedy


def test_an_authority_of_others_is_injected_from_their_secret() -> None:
    """`certs inject` reads only what we made, or a file."""
    by_hand = elsewhere(PAIR, "ca.crt", inject_from=None, ca_bundle=b"")
    assert the(by_hand, "ca-bundle", "wrong").remedy == (
        "kubectl -n leadergate-system get secret leadergate-tls -o jsonpath='{.data.ca\\.crt}' | base64 -d | "
        f"leadergate certs inject --name {NAME} --ca-file /dev/stdin"
    )
    without = elsewhere(PAIR, inject_from=None, ca_bundle=b"")
    assert f"certs inject --name {NAME} --ca-file AUTHORITY.pem" in the(without, "ca-bundle", "wrong").remedy


def test_a_secret_that_was_not_named_is_not_missed_right_by_right() -> None:
    """No gate is labelled, and there is no such Secret: rights are no matter, and that it was looked for is said."""
    gate = placed(inject=None)
    absent = snapshot(gates=(gate,), stored=Known(Stored(None, "there is no such Secret", None)))
    looked = replace(absent, rights={one: Known(value=one.resource == "leases") for one in absent.rights})
    assert {one.level for one in found(looked, "rights")} == {Level.RIGHT}
    assert "no such Secret" in the(looked, "ca-bundle", "note").says


def test_rights_for_certificates_of_others_are_not_missed() -> None:
    """Where another Secret's certificates are served, the webhook neither writes nor injects any."""
    looked = elsewhere(PAIR)
    bare = replace(looked, rights={one: Known(value=one.resource == "leases") for one in looked.rights})
    assert {one.level for one in found(bare, "rights")} == {Level.RIGHT}


def test_a_caller_that_may_not_read_metrics_is_named() -> None:
    """The remedy is for an administrator, whose own name it must not take; the webhook's account shall not have it."""
    somebody = the(snapshot(traffic=UNSEEN, caller="jane doe"), "traffic", "unknown")
    assert "--user='jane doe'" in somebody.remedy
    own = the(snapshot(traffic=UNSEEN, caller=WEBHOOK.username), "traffic", "unknown")
    assert own.remedy == "run this as an administrator, outside"


def test_a_rollout_is_watched_by_the_deployments_own_name() -> None:
    """Which need not be the Service's."""
    looked = deployed("leadergate:0.1.0", "leadergate:0.0.9")
    assert isinstance(looked.deployment, Known)
    assert looked.deployment.value is not None
    other_name = replace(looked, deployment=Known(replace(looked.deployment.value, name="gate")))
    assert "rollout status deployment gate" in the(other_name, "webhook-version", "note").remedy


def test_the_flow_schema_is_the_one_that_is_installed() -> None:
    """What the remedy applies is what is shipped."""
    remedy = the(snapshot(flow=Known(None)), "priority", "wrong").remedy
    assert json.loads(shlex.split(remedy)[1]) == flow_schema()


def test_an_image_by_digest_tells_no_version() -> None:
    """It is neither skew nor agreement."""
    looked = deployed("leadergate@sha256:0123456789abcdef")
    assert "a digest tells no version" in the(looked, "webhook-version", "right").says


def test_cert_manager_may_keep_the_bundle() -> None:
    """Its annotation is as good as the label."""
    looked = gated(inject=None, inject_from="leadergate-system/leadergate-tls")
    assert "cert-manager" in the(looked, "injection-label", "right").says


def test_a_chain_that_may_go_on_is_not_called_wrong() -> None:
    """An authority that may have others below it leaves open what is served with the leaf."""
    looked = gated(ca_bundle=root())
    assert "was not looked at" in the(looked, "tls", "unknown").says


def test_apart_is_not_together() -> None:
    """Gates, and others' webhooks, of other namespaces or other accounts are in nobody's way."""
    assert not [one for one in found(second(namespace_selector=APART), "two-leases") if one.level != "right"]
    elsewhere = second(conditions=(("only", JUDGED.replace(":operator", ":other")),))
    assert not [one for one in found(elsewhere, "two-leases") if one.level != "right"]
    looked = snapshot(others=(other(rules=(RULE,), namespace_selector=APART),))
    assert the(looked, "other-webhooks", "right")
    spared = {"matchExpressions": [{"key": NAMESPACE, "operator": "NotIn", "values": ["demo", "kube-system"]}]}
    assert the(snapshot(others=(other(rules=(LEASES,), namespace_selector=spared),)), "webhooks-on-leases", "right")
    own = {"matchExpressions": [{"key": NAMESPACE, "operator": "NotIn", "values": ["leadergate-system"]}]}
    mine = other(rules=(PODS,), target=Service("leadergate-system", "policy"), namespace_selector=own)
    assert the(snapshot(others=(mine,)), "webhooks-on-own-pods", "right")
    assert the(snapshot(others=(other(rules=(PODS,)),)), "webhooks-on-own-pods", "right")


def test_no_selector_is_needed_for_what_has_no_namespace() -> None:
    """The scope is what discovery tells, where the rule leaves it open."""
    looked = gated(namespace_selector={}, rules=(replace(RULE, scope="*"),))
    assert the(looked, "own-namespace", "note")
    assert the(
        replace(looked, scopes={("demo.leadergate.dev", "v1", "redirects"): "Cluster"}), "own-namespace", "right"
    )


def test_a_lease_that_never_expires_is_not_late() -> None:
    """Without a duration nothing is said of its age."""
    assert the(leased(age=500, duration=None), "lease-renewed", "right")


@pytest.mark.parametrize(
    ("holder", "path"),
    [
        ("operator-0", ""),
        ("operator-0_5f0c", ""),
        ("operator-0-external", "/suffix/external"),
        ("operator-0-Xk29dK20aB", "/random/10"),
        ("node-a_5f0c", "/identity/node"),
    ],
)
def test_forms_of_holders_are_understood(holder: str, path: str) -> None:
    """Each by its own kind of gate."""
    looked = held_by(holder, pod("operator-0"), path=f"/enforce/demo/operator-lock{path}")
    assert the(looked, "holder", "right")


def test_only_one_gate_may_be_asked_for() -> None:
    """By its configuration's name or its own; of the installation all is told, and of other gates nothing."""
    looked = second(namespace_selector=APART)
    about = {one.about for one in judge(looked, ["second.example.org"])}
    assert about == {INSTALLATION, "second.example.org"}
    told = [one.about for one in judge(second(), ["second.example.org"]) if one.check == "two-leases"]
    assert told == ["second.example.org"]
    assert missing(looked, [NAME, "third.example.org"]) == ["third.example.org"]


def test_first_the_installation_and_then_each_gate() -> None:
    """Findings about one thing stand together."""
    about = [one.about for one in judge(second())]
    assert list(dict.fromkeys(about)) == [INSTALLATION, NAME, "second.example.org"]
    assert about == sorted(about, key=[INSTALLATION, NAME, "second.example.org"].index)


def test_what_is_wrong_has_a_remedy() -> None:
    """A finding that leaves people alone with it cannot be made."""
    with pytest.raises(ValueError, match="needs a remedy"):
        Finding(Level.WRONG, "lease", INSTALLATION, "gone")


def test_every_check_is_documented() -> None:
    """The table of docs/doctor.md names each one, and no other."""
    rows = [line.split("|") for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    documented = [row[1].strip().strip("`") for row in rows if len(row) == 6]
    assert sorted(documented) == sorted({one[0] for one in CASES})
