"""Gates as ``leadergate gate list`` shows them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from leadergate.gates.row import rows
from leadergate.gates.table import as_json, lines, notes
from leadergate.survey.command import WIDTH
from leadergate.survey.objects import pod
from leadergate.survey.parts import Known, Unknown
from leadergate.survey.snapshot import Snapshot
from leadergate.survey.worth import Bundle
from leadergate_certs.cluster import Stored
from leadergate_certs.issue import issue_authority

from .places import KEY, NAME, NOW, STATE, hook, lease, snapshot, state

WHY = Unknown("a right is missing, see: kubectl auth can-i it")


def cells(shown: Snapshot, *, wide: bool = False) -> dict[str, str]:
    """The only line of a table, by the heads of its columns."""
    head, line = lines(rows(shown), width=None if wide else WIDTH)
    starts = [at for at, sign in enumerate(head) if sign != " " and head[at - 1 : at] in ("", " ")]
    ends = [*starts[1:], None]
    return {head[start:end].strip(): line[start:end].strip() for start, end in zip(starts, ends, strict=True)}


def test_a_gate_that_is_well() -> None:
    """All columns."""
    assert cells(snapshot(hook())) == {
        "NAME": NAME,
        "MODE": "enforce",
        "LEASE": "shop/lock",
        "HOLDER": "operator-0",
        "AGE": "3s",
        "RULES": "redirects/status",
        "POLICY": "Fail",
        "BUNDLE": "ok",
        "CALLS": "12",
        "REJECTED": "5",
    }


@pytest.mark.parametrize(
    ("changed", "holder", "age"),
    [
        ({"leases": {KEY: lease("operator-0_0b5c")}}, "operator-0_…", "3s"),
        ({"leases": {KEY: lease("operator-1_0b5c")}}, "operator-1_… !", "3s"),
        ({"leases": {KEY: lease("operator-1")}}, "operator-1 !", "3s"),
        ({"leases": {KEY: lease("operator-1")}, "pods": {"shop": WHY}}, "operator-1", "3s"),
        ({"leases": {KEY: lease("operator-0", ago=15)}}, "operator-0", "15s"),
        ({"leases": {KEY: lease("operator-0", ago=25)}}, "operator-0", "25s"),
        ({"leases": {KEY: lease("operator-0", ago=25.1)}}, "operator-0", "expired"),
        ({"leases": {KEY: lease("operator-0", ago=4000, duration=99_999)}}, "operator-0", "1h6m"),
        ({"leases": {KEY: lease("operator-0", ago=4000, duration=None)}}, "operator-0", "1h6m"),
        ({"leases": {KEY: lease("operator-0", ago=-5)}}, "operator-0", "0s"),
        ({"leases": {KEY: lease("operator-0", ago=-11)}}, "operator-0", "ahead"),
        ({"leases": {KEY: lease("")}}, "nobody", "3s"),
        ({"leases": {KEY: lease("", ago=4000, duration=1)}}, "nobody", "1h6m"),
        ({"leases": {KEY: Known(None)}}, "no lease", "-"),
        ({"leases": {KEY: WHY}}, "unknown", "-"),
    ],
)
def test_who_holds_the_lease(changed: dict[str, Any], holder: str, age: str) -> None:
    """Somebody whom the gate can match, somebody whom it cannot, nobody, or nobody knows."""
    found = cells(snapshot(hook(), **changed))
    assert (found["HOLDER"], found["AGE"]) == (holder, age)


@pytest.mark.parametrize(
    ("path", "holder", "matched"),
    [
        ("/enforce/shop/lock/suffix/leader", "operator-0-leader", True),
        ("/enforce/shop/lock/suffix/leader", "operator-0", False),
        ("/enforce/shop/lock/identity/node", "node-1", True),
        ("/enforce/shop/lock/identity/node", "operator-0", False),
    ],
)
def test_the_holder_is_read_as_the_gate_does(path: str, holder: str, matched: bool) -> None:
    """In the form that the path tells."""
    (row,) = rows(snapshot(hook(path=path), leases={KEY: lease(holder)}))
    assert row.matched is matched


def test_a_pod_that_has_ended_holds_nothing() -> None:
    """Its name is nobody's any more."""
    gone = pod({"metadata": {"namespace": "shop", "name": "operator-0"}, "status": {"phase": "Failed"}})
    (row,) = rows(snapshot(hook(), pods={"shop": Known((gone,))}))
    assert row.matched is False


OTHER = state()
SOON = OTHER.bundle + STATE.bundle


@pytest.mark.parametrize(
    ("bundle", "changed", "expected"),
    [
        (STATE.bundle, {}, Bundle.OK),
        (SOON, {}, Bundle.OK),
        (
            STATE.bundle,
            {"stored": Known(Stored(STATE.with_authority(issue_authority(NOW)), "", None))},
            Bundle.NEXT_MISSING,
        ),
        (b"", {}, Bundle.EMPTY),
        (b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", {}, Bundle.UNREADABLE),
        (OTHER.bundle, {}, Bundle.NOT_TRUSTING),
        (STATE.bundle, {"now": NOW + timedelta(days=9999)}, Bundle.EXPIRED),
        (OTHER.bundle, {"stored": WHY}, Bundle.PRESENT),
        (OTHER.bundle, {"stored": Known(Stored(None, "there is no such Secret", None))}, Bundle.PRESENT),
        (OTHER.bundle, {"stored": WHY, "now": NOW + timedelta(days=9999)}, Bundle.EXPIRED),
        (b"", {"stored": WHY}, Bundle.EMPTY),
    ],
)
def test_what_a_bundle_is_worth(bundle: bytes, changed: dict[str, Any], expected: Bundle) -> None:
    """Held against the Secret's authority where that is known."""
    (row,) = rows(snapshot(hook(bundle=bundle), **changed))
    assert row.bundle is expected


def test_a_bundle_of_another_secret_is_not_judged() -> None:
    """What a URL without our label serves is not in our Secret."""
    client = {**hook(bundle=OTHER.bundle)["clientConfig"], "service": None, "url": "https://h/enforce/shop/lock"}
    (row,) = rows(snapshot(hook(clientConfig=client), label=None))
    assert row.bundle is Bundle.PRESENT
    (row,) = rows(snapshot(hook(clientConfig={**client, "caBundle": ""}), label=None))
    assert row.bundle is Bundle.SYSTEM
    (row,) = rows(snapshot(hook(clientConfig=client)))
    assert row.bundle is Bundle.NOT_TRUSTING


def test_traffic_that_is_not_known() -> None:
    """A dash; nothing counted is 0."""
    found = cells(snapshot(hook(), traffic=WHY))
    assert (found["CALLS"], found["REJECTED"]) == ("-", "-")
    found = cells(snapshot(hook(), traffic=Known({})))
    assert (found["CALLS"], found["REJECTED"]) == ("0", "0")


def test_a_broken_gate() -> None:
    """It comes last, has no Lease, and its fault is kept for below the table."""
    shown = snapshot(hook(path="/nonsense"), hook("zz.shop.leadergate.dev"))
    first, last = rows(shown)
    assert (first.entry.name, first.fault) == ("zz.shop.leadergate.dev", "")
    assert last.fault.startswith("path '/nonsense' lacks a mode")
    text = lines([last], width=WIDTH)[1].split()
    assert text[:5] == [NAME, "broken", "-", "-", "-"]


def test_entries_of_one_configuration_are_told_apart() -> None:
    """By their own names, which are left out otherwise."""
    table = lines(rows(snapshot(hook("a.b.c"), hook("d.e.f"))), width=None)
    assert [line[: len(NAME) + 6] for line in table[1:]] == [f"{NAME} a.b.c", f"{NAME} d.e.f"]


def test_wide_has_more_columns() -> None:
    """What is gated and who is asked about."""
    selector = {
        "matchLabels": {"kubernetes.io/metadata.name": "shop"},
        "matchExpressions": [
            {"key": "team", "operator": "NotIn", "values": ["a", "b"]},
            {"key": "x", "operator": "Exists"},
        ],
    }
    conditions = [{"name": "only-service-account", "expression": "true"}, {"name": "more", "expression": "true"}]
    found = cells(snapshot(hook(namespaceSelector=selector, matchConditions=conditions)), wide=True)
    assert found["SCOPE"] == "Namespaced where namespace=shop and team NotIn (a,b) and x Exists"
    assert found["CONDITIONS"] == "only-service-account,more"
    assert found["TIMEOUT"] == "3s"
    found = cells(snapshot(hook()), wide=True)
    assert (found["SCOPE"], found["CONDITIONS"]) == ("Namespaced", "-")


LONG = "a-very-long-name-of-an-operator-in-a-namespace-with-a-long-name-too-7d9c5b8f6d-x2x4p"


def test_a_table_fits_a_terminal() -> None:
    """Names are cut, of gates the end and of pods the midst, and nothing else is; wide cuts nothing."""
    rule = {"resources": [f"{name}/status" for name in ("certificates", "certificaterequests", "issuers")]}
    shown = snapshot(hook(NAME, rules=[rule]), leases={KEY: lease(LONG)})
    table = lines(rows(shown), width=WIDTH)
    assert max(map(len, table)) <= WIDTH
    found = cells(shown)
    assert found["NAME"].startswith("lock.shop.")
    assert found["HOLDER"].startswith("a-very")
    assert found["HOLDER"].endswith("x2x4p !")
    assert found["RULES"].endswith("/status +2")
    assert (found["LEASE"], found["POLICY"], found["BUNDLE"]) == ("shop/lock", "Fail", "ok")
    whole = cells(shown, wide=True)
    assert (whole["HOLDER"], whole["NAME"]) == (f"{LONG} !", NAME)
    assert whole["RULES"] == "certificates/status,certificaterequests/status,issuers/status"


def test_a_name_that_does_not_fit() -> None:
    """It loses its end."""
    name = f"{'x' * 40}.leadergate.dev"
    shown = snapshot(hook(), leases={KEY: lease(LONG)})
    (gate,) = shown.gates
    long = replace(shown, gates=(replace(gate, entry=replace(gate.entry, configuration=name)),))
    assert re.fullmatch("x+…", cells(long)["NAME"])


def said(shown: Snapshot) -> list[str]:
    """The notes but for the one that is always there when calls are known."""
    return [note for note in notes(rows(shown), shown) if not note.startswith("CALLS and REJECTED are what")]


def test_notes_tell_what_is_not_known() -> None:
    """Each once, with why."""
    assert said(snapshot(hook())) == []
    assert said(snapshot(hook(), leases={KEY: WHY})) == [f"Lease shop/lock was not read: {WHY.why}"]
    assert said(snapshot(hook("a.b.c"), hook("d.e.f"), pods={"shop": WHY})) == [
        f"whether a pod of namespace shop is the holder is not known: {WHY.why}"
    ]
    assert said(snapshot(hook(), stored=WHY)) == [f"BUNDLE tells only whether a certificate is there: {WHY.why}"]
    assert said(snapshot(hook(), traffic=WHY)) == [f"CALLS and REJECTED are not known: {WHY.why}"]
    (note,) = said(snapshot(hook(), leases={KEY: lease("b8f1")}))
    assert note == "! holder 'b8f1' of Lease shop/lock names no pod of namespace shop in the form of the gate's path"
    (note,) = said(snapshot(hook(path="/warn/shop/lock/identity/node"), leases={KEY: lease("b8f1")}))
    assert note == "! holder 'b8f1' of Lease shop/lock names no node of its pods in the form of the gate's path"


def test_the_footnote_on_calls() -> None:
    """It says whose count it is."""
    shown = snapshot(hook())
    (note,) = notes(rows(shown), shown)
    assert note.startswith("CALLS and REJECTED are what the API server that answered has counted since it started")


def test_json() -> None:
    """As the command's help tells."""
    shown = snapshot(hook(matchConditions=[{"name": "only", "expression": "true"}]), hook("bad.gate.dev", "/nonsense"))
    found = json.loads(json.dumps(as_json(rows(shown), ["a note"], shown)))
    entry = {
        "configuration": NAME,
        "kind": "ValidatingWebhookConfiguration",
        "webhook": NAME,
        "rules": [
            {
                "apiGroups": ["demo.leadergate.dev"],
                "apiVersions": ["v1"],
                "resources": ["redirects/status"],
                "operations": ["UPDATE"],
                "scope": "Namespaced",
            }
        ],
        "namespaceSelector": {},
        "matchConditions": [{"name": "only", "expression": "true"}],
        "failurePolicy": "Fail",
        "timeoutSeconds": 3,
        "bundle": "ok",
        "calls": 12,
        "rejected": 5,
        "failed": 2,
        "failedOpen": 1,
    }
    (broken,) = found.pop("broken")
    assert (broken["webhook"], broken["path"]) == ("bad.gate.dev", "/nonsense")
    assert broken["fault"].startswith("path '/nonsense' lacks")
    assert set(broken) == {*entry, "path", "fault"}
    assert found == {
        "apiServer": "v1.37.2",
        "gates": [
            {
                **entry,
                "mode": "enforce",
                "from": "shop",
                "identity": "pod",
                "lease": {
                    "namespace": "shop",
                    "name": "lock",
                    "found": True,
                    "holder": "operator-0",
                    "holderMatched": True,
                    "renewTime": "2026-03-04T05:06:04+00:00",
                    "ageSeconds": 3,
                    "leaseDurationSeconds": 15,
                    "expired": False,
                },
            }
        ],
        "notes": ["a note"],
    }


@pytest.mark.parametrize(("seen", "found"), [(WHY, None), (Known(None), False)])
def test_json_of_what_is_not_there(seen: Any, found: bool | None) -> None:
    """Null is what is not known; a Lease that is not there is said to be so."""
    shown = snapshot(hook(), leases={KEY: seen}, traffic=WHY, api_version=WHY)
    made = as_json(rows(shown), [], shown)
    assert made["apiServer"] is None
    (gate,) = made["gates"]
    assert gate["calls"] is None
    assert gate["lease"] == {
        "namespace": "shop",
        "name": "lock",
        "found": found,
        "holder": None,
        "holderMatched": None,
        "renewTime": None,
        "ageSeconds": None,
        "leaseDurationSeconds": None,
        "expired": False,
    }
