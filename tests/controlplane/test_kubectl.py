"""What a person at a terminal sees, through the real kubectl with a pod's token."""

from __future__ import annotations

import subprocess

from leadergate_lab.cluster import PodIdentity

from .team import GROUP, Team


def _patch(team: Team, pod: PodIdentity, *options: str) -> subprocess.CompletedProcess[str]:
    kubeconfig = team.cluster.kubeconfig(
        f"{team.namespace}-{pod.name}", token=team.cluster.pod_token(pod), namespace=team.namespace
    )
    command = [str(team.plane.kubectl), f"--kubeconfig={kubeconfig}", "patch", f"notes.{GROUP}", "note"]
    patch = ["--subresource=status", "--type=merge", '--patch={"status":{"text":"by hand"}}']
    return subprocess.run(
        [*command, *patch, *options], env={"HOME": str(kubeconfig.parent)}, capture_output=True, text=True, check=False
    )


def test_kubectl_shows_the_denial(team: Team) -> None:
    """One line says who may not, who may, and which Lease decides; the exit code says that it failed."""
    name = team.gate()
    done = _patch(team, team.other)
    assert done.returncode == 1
    assert done.stdout == ""
    said, since, date = done.stderr.strip().partition(" since ")
    assert said == (
        f'Error from server (Forbidden): admission webhook "{name}" denied the request:'
        f" pod {team.namespace}/operator-1 may not write status:"
        f" the holder of Lease {team.namespace}/lock is operator-0"
    )
    assert since
    assert date.endswith("Z")


def test_kubectl_as_the_holder(team: Team) -> None:
    """The holder's patch goes through without a word about the gate."""
    team.gate()
    done = _patch(team, team.holder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"note.{GROUP}/note patched\n"
    assert team.text() == "by hand"


def test_kubectl_shows_the_warning(team: Team) -> None:
    """In mode warn the patch goes through and kubectl prints what would happen."""
    team.gate(mode="warn")
    done = _patch(team, team.other)
    assert done.returncode == 0
    assert done.stdout == f"note.{GROUP}/note patched\n"
    assert done.stderr.startswith("Warning: leadergate would reject this (NotHolder): pod ")


def test_kubectl_shows_why_a_lease_cannot_be_read(team: Team) -> None:
    """The failure names the permission that the webhook lacks."""
    team.gate(lease="secret")
    done = _patch(team, team.holder)
    assert done.returncode == 1
    assert "Error from server (InternalError)" in done.stderr
    assert "grant the webhook's service account 'get' on lease secret" in done.stderr
