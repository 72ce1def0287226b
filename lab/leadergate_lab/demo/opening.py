"""The first steps: a control plane, what it is told, and three replicas that serve."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client.exceptions import ApiException

from leadergate_lab import assets
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo.place import CHANGED, CRD, DEPLOY, MAIN, MERGE, TARGETS, Place, redirect, rights
from leadergate_lab.demo.stage import Stage, explain, sweep
from leadergate_lab.demo.voice import Voice
from leadergate_lab.processes import free_port
from leadergate_lab.recorder import Recorder
from leadergate_lab.webhook import WebhookProcess

EFFECT_SECONDS = 60.0
SERVER = DEPLOY.parent / "kustomize" / "base"
CERTIFICATES = "leadergate-system/leadergate-tls"


def control_plane(voice: Voice, ending: ExitStack) -> Stage:
    """Start it; ``ending`` stops it, and whatever else was started. Raises AssetError, ProcessDied."""
    voice.step(
        0,
        "A real Kubernetes API server",
        "kube-apiserver and etcd, on loopback, in a temporary folder. Nothing below is simulated but the kubelet: Pods"
        " are objects with real tokens, and their containers are processes of this machine.",
    )
    found = assets.ensure()
    voice.say(f"kube-apiserver, etcd and kubectl are there: {found.source}")
    folder = Path(tempfile.mkdtemp(prefix="leadergate-demo-"))
    ending.callback(shutil.rmtree, folder, ignore_errors=True)
    ending.callback(sweep)
    with voice.doing("starting etcd and kube-apiserver", "started etcd and kube-apiserver"):
        plane = ControlPlane.start(found, directory=folder)
    ending.callback(plane.stop)
    voice.say(f"the API server is ready at {plane.url}")
    return stage_at(plane, MAIN)


def stage_at(plane: ControlPlane, place: Place) -> Stage:
    """An empty stage, with a recorder that has not been started."""
    paths = [place.leases, place.redirects]
    recorder = Recorder(server=plane.url, ca_file=str(plane.ca_file), token=plane.admin_token, paths=paths)
    return Stage(plane, place, recorder)


def cluster(stage: Stage, voice: Voice, ending: ExitStack, *, gated: bool) -> None:
    """Apply the sample operator's manifests, the Redirects and, unless there shall be none, the gate."""
    voice.step(
        1,
        "The operator's kind and rights, and the gate" if gated else "The operator's kind and rights, and no gate",
        "The operator programs HTTP redirects. All its replicas run as one ServiceAccount, so RBAC cannot tell the"
        " leader from the others: each of them may write the status of every Redirect.",
    )
    admin = stage.plane.cluster
    admin.apply(DEPLOY / "crd.yaml")
    admin.wait_established(CRD)
    voice.say("applied deploy/operator/crd.yaml: the kind Redirect, with status as a subresource")
    namespace = stage.place.namespace
    furnish(stage, ending)
    voice.say(f"applied deploy/operator/rbac.yaml: namespace {namespace}, and what the replicas may do, and no more")
    voice.say("a watch records every change of Leases and Redirects from here on: the history to be judged at the end")
    voice.say(f"created {len(TARGETS)} Redirects: {', '.join(f'/{name}' for name in TARGETS)}")
    if gated:
        _gate(stage, voice, ending)
    else:
        voice.say("GATE=off: no webhook, no gate. The API server takes every status write that RBAC lets through.")


def furnish(stage: Stage, ending: ExitStack) -> None:
    """Make the namespace, what the replicas may do there and the Redirects, and record what becomes of them."""
    stage.plane.cluster.apply(*rights(stage.place))
    stage.recorder.start()
    ending.callback(stage.recorder.end)
    stage.plane.cluster.apply(*(redirect(stage.place, name) for name in TARGETS))


def _gate(stage: Stage, voice: Voice, ending: ExitStack) -> None:
    with voice.doing("starting the webhook", "started the webhook, leadergate serve"):
        port = free_port()
        webhook = WebhookProcess(
            stage.plane,
            flags=["--drain-seconds", "0", "--pod-name", "leadergate-0"],
            port=port,
            serving=[
                *("--certs-secret", CERTIFICATES, "--certs-names", "127.0.0.1"),
                *("--certs-endpoints", f"127.0.0.1:{port}"),
            ],
        )
        stage.plane.cluster.apply(SERVER / "certs-rbac.yaml")
        ending.callback(lambda: webhook.process.stop() if webhook.process.running else None)
        webhook.start()
    stage.webhook = webhook
    *rights, manifest = gate_manifests()
    entry = manifest["webhooks"][0]
    path = entry["clientConfig"]["service"]["path"]
    # The one thing changed: here the webhook is a process with an address, not a Service.
    entry["clientConfig"] = {"url": webhook.url + path}
    stage.plane.cluster.apply(*rights, manifest)
    voice.say(f"applied deploy/operator/gate.yaml: writes of redirects/status are put to {webhook.url}{path}")
    voice.say(f"the webhook made its certificates in the secret {CERTIFICATES} and puts the caBundle into the gate")
    answer = ""

    def in_force() -> bool:
        nonlocal answer
        answer = _dry_run(stage)
        return bool(answer)

    stage.wait(in_force, what="the gate rejects what the administrator tries", timeout=EFFECT_SECONDS)
    voice.say("it is in force: even the cluster's administrator may not write a status (tried as a dry run):")
    voice.quote(answer, style="red")


def gate_manifests() -> list[dict[str, Any]]:
    """The gate that is shipped: the webhook's rights for it, and last the configuration."""
    return list(yaml.safe_load_all((DEPLOY / "gate.yaml").read_text()))


def _dry_run(stage: Stage) -> str:
    """What the API server says against a status write by the administrator; empty when it would let it through."""
    try:
        stage.plane.cluster.call(
            "PATCH",
            f"{stage.place.redirects}/{CHANGED}/status",
            {"status": {"writtenBy": "the administrator"}},
            content_type=MERGE,
            dryRun="All",
        )
    except ApiException as error:
        if error.status == 403:
            return explain(error)
        if error.status == 500 and "failed calling webhook" in explain(error):
            return ""  # the bundle is on its way
        raise
    return ""
