"""What to look at when the demo is left running."""

from __future__ import annotations

import sys
from pathlib import Path

from leadergate_lab.demo.place import CHANGED, LEASE
from leadergate_lab.demo.stage import Stage
from leadergate_lab.demo.voice import Voice

WRITE = '{"status":{"writtenBy":"me"}}'


def tell_how_to_look(stage: Stage, voice: Voice, step: int) -> None:
    """Print the kubeconfig, commands to try and where the gate's numbers are."""
    plane = stage.plane
    kubectl = f"kubectl -n {stage.place.namespace}"
    leader = stage.replica(stage.holder).process.pid
    voice.step(step, "It goes on running", "Ctrl-C ends it. In another terminal, as the administrator:")
    lines = [
        f"export KUBECONFIG={plane.admin_kubeconfig}",
        f"alias kubectl={plane.kubectl}",
        f"{kubectl} get redirects --watch",
        f"{kubectl} get lease {LEASE} --watch",
        f"{kubectl} get pods",
        "",
        "# write a status",
        f"{kubectl} patch redirect {CHANGED} --subresource status --type merge -p '{WRITE}'",
        "",
        "# freeze and thaw the holder yourself",
        f"kill -STOP {leader}; sleep 8; kill -CONT {leader}",
    ]
    if stage.webhook is not None:
        leadergate = Path(sys.executable).parent / "leadergate"
        records = stage.webhook.process.stdout_path
        audit = f"{leadergate} audit"
        lines += [
            "",
            "# review the rejections: what happened, who held the Lease when and who wrote without it; as a page",
        ]
        lines += [f"{audit} summary {records}", f"{audit} timeline {records}", f"{audit} serve --follow {records}"]
        lines += ["# and hold them against the API server's own audit log"]
        lines += [f"{audit} reconcile --audit-log {plane.audit_log} {records}"]
        lines += ["", "# the gate's metrics", f"curl {stage.webhook.plain_url}/metrics"]
        lines += [
            "",
            "# what gates there are, and what is right and wrong with them; then break something, and look again",
        ]
        lines += [f"{leadergate} gate list", f"{leadergate} doctor"]
        lines += [f"{kubectl} delete flowschema leadergate"]
        certs = f"{leadergate} certs"
        endpoint = f"--endpoints 127.0.0.1:{stage.webhook.port}"
        lines += ["", "# its certificates, and a new authority without a failed write (takes two minutes)"]
        lines += [f"{certs} show {endpoint}", f"{certs} rotate --ca"]
    voice.blank()
    for line in lines:
        voice.verbatim(line)
