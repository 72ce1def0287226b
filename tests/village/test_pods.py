"""What a Pod's spec promises its containers is in force."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from leadergate_lab.processes import wait_until
from leadergate_lab.village.village import Village

from .conftest import PATIENCE, RunPod

RESTRICTED: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def said(village: Village, namespace: str, name: str = "once") -> Any:
    """What the Pod printed, as JSON."""
    return json.loads(village.node.pod(namespace, name).stdout("main").read_text())


@pytest.mark.parametrize(("code", "phase", "exit_code"), [("pass", "Succeeded", 0), ("exit(3)", "Failed", 3)])
def test_a_pod_that_runs_once_has_an_end(run_pod: RunPod, code: str, phase: str, exit_code: int) -> None:
    """With its exit code, and no readiness."""
    status = run_pod(code, phase)["status"]
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == exit_code
    assert {one["type"]: one["status"] for one in status["conditions"]}["Ready"] == "False"


def test_a_token_is_the_pods_own(village: Village, namespace: str, run_pod: RunPod) -> None:
    """By the token that is mounted, a review tells the Pod's name and uid; authority and namespace are there too."""
    where = "/var/run/secrets/kubernetes.io/serviceaccount"
    code = (
        f"import json; print(json.dumps({{k: open('{where}/' + k).read() for k in ('token', 'ca.crt', 'namespace')}}))"
    )
    pod = run_pod(code, container={"securityContext": RESTRICTED})
    mounted = said(village, namespace)
    review = village.cluster.call(
        "POST",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": mounted["token"]}},
    )
    user = review["status"]["user"]
    assert user["username"] == f"system:serviceaccount:{namespace}:default"
    extra = {key.removeprefix("authentication.kubernetes.io/"): value for key, value in user["extra"].items()}
    assert extra["pod-name"] == ["once"]
    assert extra["pod-uid"] == [pod["metadata"]["uid"]]
    assert mounted["namespace"] == namespace
    assert mounted["ca.crt"] == village.plane.ca_file.read_text()
    assert not Path(where).exists()


def test_restrictions_are_in_force(village: Village, namespace: str, run_pod: RunPod) -> None:
    """No file can be written but in an emptyDir, whoever asks; no capability is left, and none can be had."""
    code = """
import errno, json, os
def attempt(path):
    try:
        open(path, "w").close()
        return "written"
    except OSError as fault:
        return errno.errorcode[fault.errno]
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(json.dumps({
    "paths": {path: attempt(path) for path in ("/probe", "/tmp/probe", "/etc/probe", "/run/probe", "/run/room/probe")},
    "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(), "host": os.uname().nodename,
    "capabilities": [status["CapEff"], status["CapBnd"]], "no_new_privileges": status["NoNewPrivs"],
}))
"""
    run_pod(
        code,
        container={
            "securityContext": RESTRICTED,
            "volumeMounts": [{"name": "room", "mountPath": "/run/room"}],
        },
        volumes=[{"name": "room", "emptyDir": {}}],
    )
    seen = said(village, namespace)
    paths = seen["paths"]
    assert paths.pop("/run/room/probe") == "written"
    assert set(paths.values()) == {"EROFS"}
    assert seen["host"] == "once"
    assert seen["capabilities"] == ["0" * 16, "0" * 16]
    assert seen["no_new_privileges"] == "1"
    # A user namespace that is not root's has no other users.
    expected = (65532, 65532) if os.getuid() == 0 else (0, 0)
    assert (seen["uid"], seen["gid"]) == expected
    assert not Path("/run/room").exists()


def test_variables_and_files_come_from_where_the_spec_says(village: Village, namespace: str, run_pod: RunPod) -> None:
    """Fields of the Pod, Secrets and ConfigMaps, in variables and arguments and below /etc."""
    meta = {"namespace": namespace, "name": "stuff"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
    village.cluster.apply(
        {**secret, "data": {"word": base64.b64encode(b"hush").decode()}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a.conf": "loud", "b.conf": "unused"}},
    )
    code = (
        "import json, os, sys; open_ = lambda p: open(p).read()\n"
        "print(json.dumps([sys.argv[1:], os.environ['POD'], os.environ['IP'], os.environ['WORD'],"
        " open_('/etc/village/word'), os.listdir('/etc/village/conf'), open_('/etc/village/conf/a'),"
        " 'PATH' in os.environ]))"
    )
    pod = run_pod(
        code,
        container={
            "args": ["-c", code, "--pod=$(POD)", "$(UNKNOWN)", "$$(POD)"],
            "env": [
                {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "POD", "value": "pod/$(NAME)"},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "stuff", "key": "word"}}},
            ],
            "volumeMounts": [
                {"name": "secret", "mountPath": "/etc/village"},
                {"name": "conf", "mountPath": "/etc/village/conf"},
            ],
        },
        volumes=[
            {"name": "secret", "projected": {"sources": [{"secret": {"name": "stuff"}}]}},
            {"name": "conf", "configMap": {"name": "stuff", "items": [{"key": "a.conf", "path": "a"}]}},
        ],
    )
    arguments = ["--pod=pod/once", "$(UNKNOWN)", "$(POD)"]
    expected = [arguments, "pod/once", pod["status"]["podIP"], "hush", "hush", ["a"], "loud", True]
    assert said(village, namespace) == expected
    assert not Path("/etc/village").exists()


def test_a_missing_secret_is_waited_for(village: Village, namespace: str, run_pod: RunPod) -> None:
    """Meanwhile the Pod says what it waits for."""
    env = [{"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "late", "key": "word"}}}]
    run_pod("import os; print(os.environ['WORD'])", "Pending", container={"env": env})
    path = f"/api/v1/namespaces/{namespace}/pods/once"

    def told() -> bool:
        found = village.cluster.get(path)["status"].get("containerStatuses") or [{}]
        return f"{namespace}/late" in found[0].get("state", {}).get("waiting", {}).get("message", "")

    wait_until(told, what="it says what it waits for", timeout=PATIENCE)
    meta = {"namespace": namespace, "name": "late"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
    village.cluster.apply({**secret, "stringData": {"word": "here"}})
    village.wait_pod(namespace, "once", "Succeeded")


def test_what_the_node_does_not_know_fails_loudly(run_pod: RunPod) -> None:
    """Every such field is named in the Pod's status."""
    container = {"livenessProbe": {"exec": {"command": ["true"]}}, "envFrom": [{"configMapRef": {"name": "any"}}]}
    message = run_pod("pass", "Failed", container=container)["status"]["message"]
    assert "spec.containers[main].livenessProbe: the village's node knows httpGet and tcpSocket alone" in message
    assert "spec.containers[main].envFrom: the village's node does not know it" in message
