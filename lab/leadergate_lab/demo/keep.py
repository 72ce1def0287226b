"""What to look at when the demo is left running."""

from __future__ import annotations

from leadergate_lab.demo.place import CHANGED, LEASE, NAMESPACE
from leadergate_lab.demo.stage import Stage
from leadergate_lab.demo.voice import Voice

WRITE = '{"status":{"writtenBy":"me"}}'


def tell_how_to_look(stage: Stage, voice: Voice) -> None:
    """Print the kubeconfig, commands to try and where the gate's numbers are."""
    plane = stage.plane
    follower = next(replica for replica in stage.alive if replica.pod != stage.holder)
    kubectl = f"kubectl -n {NAMESPACE}"
    patch = f"patch redirect {CHANGED} --subresource status --type merge -p '{WRITE}'"
    leader = stage.replica(stage.holder).process.pid
    voice.step(7, "It goes on running", "Ctrl-C ends it. In another terminal, as the administrator:")
    lines = [
        f"export KUBECONFIG={plane.admin_kubeconfig}",
        f"alias kubectl={plane.kubectl}",
        f"{kubectl} get redirects --watch",
        f"{kubectl} get lease {LEASE} --watch",
        f"{kubectl} get pods",
        "",
        f"# write a status as {follower.pod}, which does not hold the Lease",
        f"{kubectl} --kubeconfig {follower.kubeconfig} {patch}",
        "",
        "# freeze and thaw the holder yourself",
        f"kill -STOP {leader}; sleep 8; kill -CONT {leader}",
    ]
    if stage.webhook is not None:
        lines += ["", "# the gate's metrics and its records", f"curl {stage.webhook.plain_url}/metrics"]
        lines += [f"tail -f {stage.webhook.process.stdout_path}"]
    voice.blank()
    for line in lines:
        voice.verbatim(line)
