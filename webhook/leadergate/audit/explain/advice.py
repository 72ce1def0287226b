"""What to do about one record: sentences, and commands with its names. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import timedelta

from leadergate.audit.explain.record import RecordTold, is_bare_uuid
from leadergate.audit.telling.words import stamp
from leadergate.gate import is_label, is_subdomain
from leadergate.model import Mode, Reason, Standing

_NOT_SERVICE_ACCOUNT = (
    "If this user may write status anyway, let it through with a matchCondition of the gate: --allow of leadergate gate"
    " render; in need, docs/break-glass.md. Else find out why it writes."
)
_NO_NAME = "Its name is none that Kubernetes allows, so no command is given."
_MARGIN = timedelta(minutes=1)


def advice(told: RecordTold) -> Iterator[str]:
    """What to do, the nearest first. What begins with ``$ `` is a command."""
    if told.dry_run and told.standing == Standing.FOLLOWER:
        yield "Nothing: a follower tried a dry run."
        return
    match told.reason:
        case Reason.HOLDER:
            yield "Nothing: the holder wrote."
        case Reason.NOT_STATUS:
            yield "Narrow the gate's rule to status subresources, such as '*/status'; this shows its rules:"
            yield "$ leadergate gate list -o wide"
        case Reason.NOT_HOLDER:
            yield from _not_holder(told)
        case Reason.NOT_SERVICE_ACCOUNT:
            yield _NOT_SERVICE_ACCOUNT
        case Reason.NO_POD_IDENTITY:
            yield from _no_pod_identity(told)
        case Reason.FOREIGN_NAMESPACE:
            yield from _foreign_namespace(told)
        case Reason.LEASE_NOT_FOUND:
            yield from _not_found(told)
        case Reason.LEASE_UNHELD:
            yield from _unheld(told)
        case Reason.LEASE_EXPIRED:
            yield "Find out why it stopped renewing: cut off from the API server, starved of CPU, or paused."
            yield from _look_at_pod(told)
            yield from _look_at_lease(told)
        case Reason.LEASE_UNREADABLE:
            yield from _unreadable()
        case _:
            yield "Review it with a leadergate as new as the webhook."
    yield from _went_through(told)


def _not_holder(told: RecordTold) -> Iterator[str]:
    lease = told.lease
    holder = lease.holder if lease is not None else ""
    if is_bare_uuid(holder):
        yield (
            "The holder identity is a bare UUID, which names no pod: no gate can ever match it, and every write is"
            " denied. Let the operator elect with its pod's name (POD_NAME from the downward API) before you enforce."
        )
        yield "$ leadergate doctor"
        return
    if told.node and holder.partition("_")[0] == told.node:
        yield "The holder identity is this pod's node. If the operator elects by node, the gate needs /identity/node."
    elif told.pod and holder.startswith(f"{told.pod}-"):
        yield (
            "The holder identity begins with this very pod's name. If the operator adds a tail to it, the gate needs"
            " /suffix/{literal} or /random/{count}."
        )
    if told.standing == Standing.FORMER_HOLDER:
        yield (
            "The gate has done what it is there for. Look whether that pod was paused, cut off or starved when it lost"
            " the Lease, and whether it still writes; if it does not notice that it lost, restart it."
        )
        yield from _look_at_pod(told)
        yield from _look_at_lease(told)
    elif told.standing == Standing.STRANGER:
        yield "Find out what it is: it runs under another account than the holder does, or in another namespace."
        yield from _look_at_pod(told)
    elif lease is not None and lease.expired:
        yield "The holder has stopped renewing. If nobody takes over within seconds, look at the operator's pods:"
        yield from _look_at_lease(told)
    else:
        yield "Nothing: it is routine. The replica writes once it leads."


def _no_pod_identity(told: RecordTold) -> Iterator[str]:
    if told.pod and "node-name" in told.message:
        yield "The gate asks for the node (/identity/node), and tokens name it from Kubernetes 1.30 on alone."
    yield (
        "Let the operator use its pod's own mounted token (/var/run/secrets/kubernetes.io/serviceaccount/token), not"
        " one of a Secret or of kubectl create token. A kubeconfig in its image or flags is the usual cause."
    )
    place, by = told.requester_namespace, "--field-selector"
    pods = ("get", "pods", by, f"spec.serviceAccountName={told.account}", "-o", "wide")
    yield from _command(*pods, namespace=place, names=(told.account,), what="its service account")
    secrets = ("get", "secrets", by, "type=kubernetes.io/service-account-token")
    yield from _command(*secrets, namespace=place, names=(), what="its namespace")


def _foreign_namespace(told: RecordTold) -> Iterator[str]:
    yield (
        f"If the operator does run in {told.requester_namespace}, make the gate for it with /from/ that namespace"
        " (leadergate gate render --from). If this is another program that may write, let it through (--allow). Else"
        " find out why it writes to an object that is not its own."
    )
    yield from _look_at_pod(told)


def _not_found(told: RecordTold) -> Iterator[str]:
    yield (
        "Look which Lease the operator uses: it has none yet, it was deleted, or the gate's path names another one. In"
        " the last case mend the path."
    )
    yield from _command("get", "leases", namespace=told.lease_namespace, names=(), what="the Lease's namespace")
    yield "$ leadergate gate list"


def _unheld(told: RecordTold) -> Iterator[str]:
    if told.standing == Standing.FORMER_HOLDER:
        yield (
            "It released the Lease before its work had ended. Let the operator stop writing first, and release then"
            " (client-go with ReleaseOnCancel does it the other way round)."
        )
    yield "Nothing, if somebody acquired the Lease within seconds, as in a rollout. If not, look at the operator:"
    yield from _look_at_lease(told)
    yield from _command("get", "pods", "-o", "wide", namespace=told.lease_namespace, names=(), what="its namespace")


def _unreadable() -> Iterator[str]:
    yield (
        "Look whether the API server was overloaded or restarting then, and whether the webhook may read the Lease and"
        " has its FlowSchema: the doctor checks both."
    )
    yield "$ leadergate doctor"
    yield "$ kubectl get --raw '/readyz?verbose'"


def _went_through(told: RecordTold) -> Iterator[str]:
    """What was not prevented may have overwritten what the holder said."""
    grave = told.standing in (Standing.FORMER_HOLDER, Standing.STRANGER)
    if told.verdict == "Deny" and told.mode in (Mode.WARN, Mode.AUDIT) and grave and not told.dry_run:
        yield f"The gate's mode is {told.mode}, so the write went through: look at the object, and move on to enforce."
        subject = (told.resource, told.name) if not told.group else (f"{told.resource}.{told.group}", told.name)
        yield from _command("get", *subject, "-o", "yaml", "--show-managed-fields", namespace=told.namespace or None,
                            names=subject, what="the object")  # fmt: skip


def _look_at_pod(told: RecordTold) -> Iterator[str]:
    if not told.pod:
        return
    if not (is_label(told.requester_namespace) and is_subdomain(told.pod)):
        yield f"Look at the pod with kubectl. {_NO_NAME}"
        return
    commands: list[tuple[str, ...]] = [("get", "pod", told.pod, "-o", "wide"), ("describe", "pod", told.pod)]
    begin = told.held_until or told.time
    if begin is not None:
        commands.append(("logs", told.pod, "--all-containers", f"--since-time={stamp(begin - _MARGIN)}"))
    for words in commands:
        yield from _command(*words, namespace=told.requester_namespace, names=(told.pod,), what="the pod")
    if told.node:
        yield from _command("describe", "node", told.node, namespace=None, names=(told.node,), what="its node")


def _look_at_lease(told: RecordTold) -> Iterator[str]:
    yield from _command("get", "lease", told.lease_name, "-o", "yaml", namespace=told.lease_namespace,
                        names=(told.lease_name,), what="the Lease")  # fmt: skip


def _command(*words: str, namespace: str | None, names: tuple[str, ...], what: str) -> Iterator[str]:
    """A kubectl command; where a name in it is none that Kubernetes allows, what to look at in words."""
    if (namespace is None or is_label(namespace)) and all(is_subdomain(name) for name in names):
        place = ["-n", namespace] if namespace is not None else []
        yield f"$ {shlex.join(['kubectl', *place, *words])}"
    else:
        yield f"Look at {what} with kubectl. {_NO_NAME}"
