"""One rejection in plain words: for each reason, standing and mode, what happened and what to do."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import Result
from typer.testing import CliRunner

from leadergate.audit.cli import app
from leadergate.audit.explain.explanation import explanation
from leadergate.audit.explain.query import Found, look
from leadergate.audit.reading import trail
from leadergate.audit.reading.filters import Filter
from leadergate.model import Reason
from leadergate_lab.nights import night

LEASE = {
    "holder": "op-b_5e6f", "resourceVersion": "77", "transitions": 4, "acquireTime": "2026-03-01T12:00:00Z",
    "renewTime": "2026-03-01T12:01:02.5Z", "durationSeconds": 15, "observedAge": 1.25, "expired": False,
}  # fmt: skip
RECORD: dict[str, Any] = {
    "schema": "leadergate.dev/record/v1", "time": "2026-03-01T12:01:04Z", "verdict": "Deny", "reason": "NotHolder",
    "message": "the webhook's own words", "mode": "enforce", "gate": "shop/op", "uid": "0b0c0d0e-uid", "dryRun": False,
    "operation": "UPDATE",
    "resource": {"group": "g.example", "version": "v1", "resource": "things", "subresource": "status"},
    "namespace": "shop", "name": "thing-1",
    "requester": {"username": "system:serviceaccount:shop:op", "namespace": "shop", "serviceAccount": "op",
                  "pod": "op-a", "podUid": "u", "node": "node-1"},
    "standing": "follower", "heldUntil": None, "lease": LEASE, "latencyMs": 1.0, "webhookPod": "hook-1",
}  # fmt: skip
LATE = {"standing": "former-holder", "heldUntil": "2026-03-01T12:00:00.5Z"}
PERSON = {"username": "ops", "namespace": None, "serviceAccount": None, "pod": None, "podUid": None, "node": None}
NO_POD = RECORD["requester"] | {"pod": None, "node": None}
AWAY = RECORD["requester"] | {"namespace": "stage", "username": "system:serviceaccount:stage:op"}


def said(**fields: Any) -> str:
    """What is said of the record with these fields."""
    return "\n".join(explanation(RECORD | fields).said)


def todo(**fields: Any) -> list[str]:
    """What is to be done about it."""
    return list(explanation(RECORD | fields).todo)


def commands(**fields: Any) -> list[str]:
    """The commands among it."""
    return [line.removeprefix("$ ") for line in todo(**fields) if line.startswith("$ ")]


def test_who_asked_and_who_held() -> None:
    """The pod, its account and node, the object, the holder, since when, and how old the renewal was by both clocks."""
    told = said()
    for part in (
        "At 2026-03-01T12:01:04.000Z pod shop/op-a on node node-1 (service account shop/op) asked to write",
        "things.g.example/status of shop/thing-1.",
        "Gate shop/op denied it (NotHolder): the write was rejected and nothing was stored.",
        "Lease shop/op was held by op-b_5e6f since 2026-03-01T12:00:00.000Z (1m 4s before, by the holder's clock);",
        "leaseTransitions was 4.",
        "renewTime said 2026-03-01T12:01:02.500Z, 1.5 s before by the holder's clock",
        "the webhook had known this renewal for 1.2 s by its own clock: within leaseDurationSeconds (15), so it stood.",
        "The holder is op-b_5e6f, and that is not the requester",
    ):
        assert part in told


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "a follower": ({}, "that is routine", "Nothing: it is routine."),
    "a follower's dry run": ({"dryRun": True}, "It was a dry run: nothing", "Nothing: a follower tried"),
    "a former holder": (LATE, "wrote 1m 4s later: it was late", "The gate has done what it is"),
    "a stranger of the same namespace": (
        {"standing": "stranger"}, "It is a stranger to this Lease", "another account than the holder",
    ),
    "a follower of a silent holder": (
        {"lease": LEASE | {"expired": True, "observedAge": 20.0}},
        "gives nobody else a right to write", "The holder has stopped renewing.",
    ),
    "an expired Lease of its own": (
        {"reason": "LeaseExpired", "lease": LEASE | {"holder": "op-a_1", "expired": True, "observedAge": 20.5}} | LATE,
        "more than leaseDurationSeconds (15), so it had run out", "Find out why it stopped renewing",
    ),
    "a person": (
        {"reason": "NotServiceAccount", "requester": PERSON, "standing": "stranger"},
        "The API server authenticated user ops, which is no service account.", "--allow of leadergate gate render",
    ),
    "no pod": (
        {"reason": "NoPodIdentity", "requester": NO_POD, "standing": "stranger"},
        "The webhook said: the webhook's own words", "use its pod's own mounted token",
    ),
    "no node for a node gate": (
        {"reason": "NoPodIdentity", "standing": "stranger",
         "message": "(missing: authentication.kubernetes.io/node-name)"},
        "do not prove a pod", "tokens name it from Kubernetes 1.30 on",
    ),
    "another namespace": (
        {"reason": "ForeignNamespace", "requester": AWAY, "standing": "stranger"},
        "A pod elsewhere is not the holder, even under the same name", "If the operator does run in stage",
    ),
    "no Lease": (
        {"reason": "LeaseNotFound", "lease": None}, "There was no Lease shop/op: the API server answered 404",
        "the gate's path names another one",
    ),
    "an unheld Lease": (
        {"reason": "LeaseUnheld", "lease": LEASE | {"holder": ""}}, "Nobody held Lease shop/op", "as in a rollout",
    ),
    "a former holder of an unheld Lease": (
        {"reason": "LeaseUnheld", "lease": LEASE | {"holder": ""}} | LATE, "Nobody held Lease shop/op",
        "It released the Lease before its work had ended.",
    ),
    "an unreadable Lease": (
        {"verdict": "Indeterminate", "reason": "LeaseUnreadable", "lease": None, "standing": None},
        "and answered 503, so that the gate's failurePolicy decided", "the doctor checks both",
    ),
    "an allowed write": (
        {"verdict": "Allow", "reason": "Holder", "standing": None}, "Gate shop/op let it through (Holder).",
        "Nothing: the holder wrote.",
    ),
    "a rule that is too wide": (
        {"verdict": "Allow", "reason": "NotStatus", "standing": None, "lease": None}, "its rule is too wide",
        "Narrow the gate's rule",
    ),
    "mode warn": (
        {"mode": "warn"} | LATE, "its mode is warn: the write WENT THROUGH, and the client was warned",
        "so the write went through: look at the object, and move on to enforce",
    ),
    "mode audit": (
        {"mode": "audit"} | LATE, "would have denied it (NotHolder), but its mode is audit: the write WENT THROUGH",
        "so the write went through",
    ),
    "a bare UUID": (
        {"lease": LEASE | {"holder": "1d3b993f-7949-40ea-ab7f-355e526eb523"}},
        "Whether it leads cannot be told", "is a bare UUID, which names no pod",
    ),
    "a holder named as the node": (
        {"lease": LEASE | {"holder": "node-1"}}, "The holder is node-1", "the gate needs /identity/node",
    ),
    "a holder with a tail": (
        {"lease": LEASE | {"holder": "op-a-tail"}}, "The holder is op-a-tail", "/suffix/{literal} or /random/{count}",
    ),
    "a clock that is ahead": (
        {"lease": LEASE | {"renewTime": "2026-03-01T12:01:07Z"}}, "3.0 s LATER", "Nothing",
    ),
    "a follower whose write was let through": ({"mode": "audit"}, "a follower, that writes all the same", "Nothing"),
    "a dry run that was let through": (
        {"mode": "warn", "dryRun": True} | LATE, "the dry run WENT THROUGH", "The gate has done",
    ),
    "a Lease that never runs out": (
        {"lease": LEASE | {"durationSeconds": None}}, "so it never runs out", "Nothing",
    ),
    "a reason of later": (
        {"reason": "NotYetKnown"}, "does not know the reason NotYetKnown. The webhook said: the webhook's own words",
        "a leadergate as new as the webhook",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_told_and_has_its_remedy(name: str) -> None:
    """Each as its name says."""
    fields, words, remedy = CASES[name]
    assert words in said(**fields)
    assert remedy in "\n".join(todo(**fields))


def test_every_reason_is_among_the_cases() -> None:
    """None is forgotten."""
    assert {fields.get("reason", "NotHolder") for fields, _, _ in CASES.values()} >= set(Reason)


def test_commands_of_a_former_holder() -> None:
    """They have the real names, and the pod's log from a minute before it lost the Lease."""
    assert commands(**LATE) == [
        "kubectl -n shop get pod op-a -o wide",
        "kubectl -n shop describe pod op-a",
        "kubectl -n shop logs op-a --all-containers --since-time=2026-03-01T11:59:00Z",
        "kubectl describe node node-1",
        "kubectl -n shop get lease op -o yaml",
    ]


def test_the_object_that_was_written_over() -> None:
    """Where the gate only warned, the object is to be looked at, cluster-scoped ones without a namespace."""
    last = commands(mode="warn", **LATE)[-1]
    assert last == "kubectl -n shop get things.g.example thing-1 -o yaml --show-managed-fields"
    assert commands(mode="warn", namespace="", **LATE)[-1].startswith("kubectl get things.g.example thing-1")


NAMES = ["-o", "$(reboot)", "a;b", "a b", "a\nb", "x" * 300, "A", "", "../up", "--kubeconfig=/x", "a\x1b[2J"]


@pytest.mark.parametrize("hostile_place", [True, False])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reason", Reason)
def test_no_name_but_kubernetes_own_gets_into_a_command(reason: Reason, name: str, *, hostile_place: bool) -> None:
    """What an attacker may choose is described, and no command with it is given."""
    place = name if hostile_place else "shop"
    fields = {"reason": reason, "requester": dict.fromkeys(("username", "serviceAccount", "pod", "node"), name),
              "name": name, "resource": {"group": name, "resource": name}, "mode": "warn"}  # fmt: skip
    fields["requester"]["namespace"] = place
    fields |= {"gate": f"{place}/{name}", "namespace": place}
    for standing in ("former-holder", "stranger", "follower"):
        for line in commands(**fields, standing=standing):
            words = shlex.split(line)
            assert words[0] in ("kubectl", "leadergate")
            assert not name or name not in words[1:] or name == "-o"
            assert not any(word.startswith(f"spec.serviceAccountName={name}") for word in words)
        assert not any("\n" in line for line in commands(**fields, standing=standing))


@pytest.mark.parametrize(
    "broken",
    [{}, {"requester": None}, {"lease": "no"}, {"time": 7}, {"lease": {}}, {"resource": []}, {"reason": None},
     {"time": "yesterday"}, {"lease": {"renewTime": "x", "observedAge": "y", "durationSeconds": True}}],
)  # fmt: skip
def test_a_record_that_is_not_whole_is_explained_as_far_as_it_goes(broken: dict[str, Any]) -> None:
    """Nothing is raised."""
    whole = {} if not broken else RECORD | broken
    assert explanation(whole).said


@pytest.fixture
def engine(tmp_path: Path) -> Iterable[duckdb.DuckDBPyConnection]:
    """DuckDB."""
    with trail.connect(tmp_path / "spill") as connection:
        yield connection


def looked(engine: duckdb.DuckDBPyConnection, lines: Iterable[bytes], uid: str) -> Found:
    """What is found of that uid in these records."""
    relation = trail.batch(lines)
    return look(engine, relation, lambda _: relation, Filter(routine=True), uid)[0]


def test_a_review_is_found_by_its_beginning(engine: duckdb.DuckDBPyConnection) -> None:
    """As long as one review alone begins so; else all are named; an exact uid always wins."""
    uids = ["aaaaaaaa-1", "aaaaaaaa-12", "bbbbbbbb-1", "bbbbbbbb-1"]
    lines = [json.dumps(RECORD | {"uid": uid, "name": f"n{at}"}).encode() for at, uid in enumerate(uids)]

    def names(uid: str) -> list[str]:
        return [record["name"] for record in looked(engine, lines, uid).records]

    assert names("aaaaaaaa-1") == ["n0"]
    assert names("AAAAAAAA-12") == ["n1"]
    assert names("bbbbbbbb") == ["n2", "n3"]
    several = looked(engine, lines, "aaaaaaaa")
    assert (several.records, several.uids) == ((), ("aaaaaaaa-1", "aaaaaaaa-12"))


def test_a_pattern_is_no_beginning(engine: duckdb.DuckDBPyConnection) -> None:
    """What is special elsewhere is itself here."""
    for uid in ("0b0c____", "0b0c*****"):
        missed = looked(engine, [json.dumps(RECORD).encode()], uid)
        assert (missed.records, missed.uids, missed.searched) == ((), (), 1)


def test_what_was_around_it(engine: duckdb.DuckDBPyConnection) -> None:
    """Rejections of the same pod before and after, and the takeovers next to it."""
    lines = list(night(8000, gates=1))
    late = [json.loads(one) for one in lines if b'"former-holder"' in one and b"NotHolder" in one]
    record = late[20]
    near = looked(engine, lines, record["uid"]).near
    assert near is not None
    same = [one for one in map(json.loads, lines) if one["requester"]["pod"] == record["requester"]["pod"]]
    before = [one["time"] for one in same if one["time"] < record["time"] and one["requester"] == record["requester"]]
    assert near.before == len([one for one in before if one >= "2026-03-02T01:00:3"])
    assert near.taken is not None
    assert near.taken.of.partition("_")[0] == record["requester"]["pod"]
    assert near.next is not None
    assert near.next.of == near.taken.to


def command(*words: str) -> Result:
    """``leadergate audit explain`` in this process."""
    return CliRunner().invoke(app, ["explain", *words])


def test_the_command(tmp_path: Path) -> None:
    """A review asked for twice: the last record is explained, both are told, hostile names are escapes."""
    log = tmp_path / "hook.log"
    first = RECORD | {"verdict": "Indeterminate", "reason": "LeaseUnreadable", "lease": None, "standing": None}
    last = RECORD | {"time": "2026-03-01T12:01:05Z", "name": "thing\x1b[31m\u202e"} | LATE
    log.write_text(f"{json.dumps(last)}\n{json.dumps(first)}\n")
    told = command("0b0c0d0e", str(log))
    assert (told.exit_code, told.stderr) == (0, "")
    assert "Review 0b0c0d0e-uid: Deny, NotHolder, former-holder" in told.stdout
    assert "Asked 2 times under this uid; the last is explained above" in told.stdout
    assert "2026-03-01T12:01:04.000Z  Indeterminate, LeaseUnreadable; holder unknown; judged by hook-1" in told.stdout
    assert "The same requester was rejected 1 time in the 10m before, and 0 times in the 10m after." in told.stdout
    assert "  $ kubectl -n shop get pod op-a -o wide\n" in told.stdout
    assert "thing\\x1b[31m\\u202e" in told.stdout
    assert "\x1b" not in told.stdout
    document = json.loads(command("0b0c0d0e", str(log), "-o", "json").stdout)
    assert document["records"] == [first, last]
    assert {"command": "kubectl -n shop get pod op-a -o wide"} in document["todo"]
    assert document["around"]["before"] == 1


def test_the_command_says_what_it_searched(tmp_path: Path) -> None:
    """Not found, too short, and several: each with what to do, and exit code 2."""
    log = tmp_path / "hook.log"
    log.write_text("".join(json.dumps(RECORD | {"uid": f"0b0c0d0e-{number}"}) + "\n" for number in range(3)))
    missing, short, several = (command(uid, str(log)) for uid in ("ffffffff", "0b0c", "0b0c0d0e"))
    assert {one.exit_code for one in (missing, short, several)} == {2}
    assert "in none of 3 records from 2026-03-01T12:01:04Z to 2026-03-01T12:01:04Z" in missing.stderr
    assert "--record-allowed" in missing.stderr
    assert "too short" in short.stderr
    assert "the beginning of several: 0b0c0d0e-0, 0b0c0d0e-1, 0b0c0d0e-2; give more of it" in several.stderr
