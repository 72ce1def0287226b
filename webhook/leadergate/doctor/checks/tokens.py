"""Whether the tokens of the operator's pods say which pod has them."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.conditions import subjects
from leadergate.doctor.finding import Finding, note, right, some, unknown, wrong
from leadergate.survey.gates import PlacedGate
from leadergate.survey.named import named_by
from leadergate.survey.parts import Known, SeenLease, SeenPod, Unknown
from leadergate.survey.snapshot import Snapshot

TOKENS, HOSTNAME = "tokens", "pod-hostname"
BOUND, LEGACY = "bound", "legacy"


def tokens(snapshot: Snapshot) -> Iterator[Finding]:
    """Of each gate: the pods of the accounts that it judges, else those of the holder's account."""
    for placed in snapshot.gates:
        about, gate = str(placed.entry), placed.gate
        known = snapshot.pods.get(gate.from_namespace, Unknown("they were not asked for"))
        if isinstance(known, Unknown):
            yield unknown(TOKENS, about, f"the pods of {gate.from_namespace} could not be looked at: {known.why}")
            continue
        accounts = _accounts(snapshot, placed, known.value)
        if not accounts:
            says = (
                "which pods are the operator's is not known: no condition names an account, and no pod holds the Lease"
            )
            yield unknown(TOKENS, about, says)
            continue
        pods = [pod for pod in known.value if not pod.ended and pod.service_account in accounts]
        yield from _judged(about, placed, pods, accounts)
        yield from _called(about, placed, pods)


def _accounts(snapshot: Snapshot, placed: PlacedGate, pods: tuple[SeenPod, ...]) -> set[str]:
    """The names of the operator's service accounts, in the writers' namespace."""
    judged = subjects(placed.entry).judged
    if judged:
        return {one.name for one in judged if one.namespace == placed.gate.from_namespace}
    seen = snapshot.leases.get(placed.gate.lease)
    if not isinstance(seen, Known) or not isinstance(seen.value, SeenLease):
        return set()
    return {pod.service_account for pod in named_by(placed.gate, seen.value.lease.holder, pods)}


def _judged(about: str, placed: PlacedGate, pods: list[SeenPod], accounts: set[str]) -> Iterator[Finding]:
    whose = f"{placed.gate.from_namespace}/{', '.join(sorted(accounts))}"
    if not pods:
        says = f"no pod of {whose} runs"
        yield note(TOKENS, about, says, f"kubectl -n {placed.gate.from_namespace} get pods")
        return
    legacy = [pod.name for pod in pods if pod.token == LEGACY]
    bare = [pod.name for pod in pods if pod.token not in (LEGACY, BOUND)]
    if legacy:
        says = f"a Secret's token, which names no pod, is mounted into {some(legacy)}: all their writes are denied"
        remedy = (
            "mount no Secret of type kubernetes.io/service-account-token: the pod's own token is in /var/run/secrets"
        )
        yield wrong(TOKENS, about, says, remedy)
    if bare:
        says = f"no token is mounted into {some(bare)}: what they use must be bound to their pods, or they are denied"
        yield note(TOKENS, about, says, "set automountServiceAccountToken: true on the pod")
    if not legacy and not bare:
        yield right(TOKENS, about, f"the tokens of {len(pods)} pod(s) of {whose} name their pod")


def _called(about: str, placed: PlacedGate, pods: list[SeenPod]) -> Iterator[Finding]:
    """Programs that elect with their hostname find another name than the pod's."""
    if placed.gate.identity != "pod":
        return
    odd = [pod.name for pod in pods if pod.host_network or pod.hostname not in (None, pod.name)]
    if odd:
        says = f"hostNetwork or spec.hostname: the hostname of {some(odd)} is not the pod's name"
        remedy = (
            "elect with POD_NAME (fieldRef metadata.name); with hostNetwork /identity/node in the gate's path may do"
        )
        yield note(HOSTNAME, about, says, remedy)
    elif pods:
        yield right(HOSTNAME, about, "the operator's pods are called as their hosts say")
