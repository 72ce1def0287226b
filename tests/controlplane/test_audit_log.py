"""The API server's own audit log against our records: the same rejections, none lost on either side."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Answer, Writer

from .team import Team

BURST = 200


def _audited(team: Team, webhook: str) -> dict[str, str]:
    """What the audit log says this webhook denied: reasons by review uid."""
    found: dict[str, str] = {}
    for event in team.audited():
        annotations = event.get("annotations", {})
        uid = annotations.get(f"{webhook}/uid")
        if uid is not None:
            assert uid not in found
            assert annotations[f"{webhook}/verdict"] == "Deny"
            assert event["responseStatus"]["code"] == 403
            found[uid] = annotations[f"{webhook}/reason"]
    return found


def _complete(team: Team, webhook: str) -> dict[str, str]:
    """What it says when it has all that was recorded so far: an event is written after the client's answer."""
    recorded = {record["uid"] for record in team.records()}
    wait_until(lambda: recorded <= _audited(team, webhook).keys(), what="the audit log is complete", timeout=30)
    return _audited(team, webhook)


def _assert_all_agree(team: Team, webhook: str, answers: list[Answer]) -> None:
    """Clients, records and audit log name the same reviews with the same reasons."""
    seen = {answer.causes["ReviewUID"]: answer.cause for answer in answers}
    assert len(seen) == len(answers)
    records = team.records()
    recorded = {record["uid"]: record["reason"] for record in records}
    assert len(recorded) == len(records)
    # The records and the audit log have the gate's probes too, whose answers nobody kept.
    assert recorded == _complete(team, webhook)
    assert recorded.items() >= seen.items()


def test_each_reason_is_audited(team: Team) -> None:
    """The audit log has the reason of every rejection under the webhook's name, and our records have the same."""
    name = team.gate()
    admin = Writer(team.cluster.api)
    unbound = Writer(team.cluster.client(token=team.cluster.service_account_token(team.namespace, "operator")))
    answers = [writer.status(team.note, {"text": "x"}) for writer in (team.follower, admin, unbound)]
    team.lead("")
    answers.append(team.leader.status(team.note, {"text": "x"}))
    team.cluster.delete_lease(team.namespace, "lock")
    answers.append(team.leader.status(team.note, {"text": "x"}))
    reasons = ["NotHolder", "NotServiceAccount", "NoPodIdentity", "LeaseUnheld", "LeaseNotFound"]
    assert [answer.cause for answer in answers] == reasons
    _assert_all_agree(team, name, answers)


def test_a_burst_of_rejections(team: Team) -> None:
    """Of hundreds of writes at once each is rejected, recorded and audited once."""
    name = team.gate(timeoutSeconds=30)
    with ThreadPoolExecutor(BURST) as pool:
        sent = [pool.submit(team.follower.status, team.note, {"text": "x"}) for _ in range(BURST)]
    answers = [done.result() for done in sent]
    assert Counter((answer.code, answer.cause) for answer in answers) == {(403, "NotHolder"): BURST}
    _assert_all_agree(team, name, answers)


def test_rejections_while_the_holder_writes(team: Team) -> None:
    """Each rejected write is audited once, and every review that the client or the audit log names is recorded.

    A write may be reviewed more than once: the API server first admits it on the object as its cache has it, and again
    if that was stale (k8s.io/apiserver ``storage/etcd3/store.go`` GuaranteedUpdate). Then the client is told the last
    review's uid, and the audit log, which takes an annotation only once, has the first's.
    """
    name = team.gate(timeoutSeconds=30)
    before = len(_complete(team, name))
    with ThreadPoolExecutor(BURST) as pool:
        rejected = [pool.submit(team.follower.status, team.note, {"text": str(n)}) for n in range(BURST)]
        allowed = [pool.submit(team.leader.status, team.note, {"text": str(n)}) for n in range(BURST // 10)]
    assert {done.result().code for done in allowed} == {200}
    answers = [done.result() for done in rejected]
    assert Counter((answer.code, answer.cause) for answer in answers) == {(403, "NotHolder"): BURST}
    wait_until(lambda: len(_audited(team, name)) == before + BURST, what="the audit log is complete", timeout=30)
    recorded = {record["uid"] for record in team.records()}
    assert recorded >= _audited(team, name).keys()
    assert recorded >= {answer.causes["ReviewUID"] for answer in answers}
    assert len(team.records(pod="operator-1")) >= BURST
    assert team.records(pod="operator-0") == []


def test_a_repeated_write_is_a_review_of_its_own(gated: Team) -> None:
    """The same write sent again is judged and recorded again, under another uid."""
    before = len(gated.records(pod="operator-1"))
    answers = [gated.follower.status(gated.note, {"text": "same"}) for _ in range(3)]
    uids = [answer.causes["ReviewUID"] for answer in answers]
    assert [record["uid"] for record in gated.records(pod="operator-1")[before:]] == uids
    assert len(set(uids)) == 3
