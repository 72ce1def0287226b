"""The life of a control plane: start, stop, outages, sudden ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from kubernetes.client.exceptions import ApiException

from leadergate_lab import loopback
from leadergate_lab.assets import Assets
from leadergate_lab.cluster import call
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.processes import ProcessDied, free_port, wait_until
from leadergate_lab.scratch import sweep

PATIENCE = 60.0
CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"


@pytest.fixture(scope="module")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    """A control plane that the tests of this module may stop, kill and freeze, as long as they bring it back."""
    with ControlPlane.start(assets) as plane:
        yield plane


def config_map(name: str) -> dict[str, object]:
    """An object to store."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default", "name": name}}


def stored(plane: ControlPlane, name: str) -> bool:
    """Whether it is there."""
    return plane.cluster.exists(f"{CONFIG_MAPS.format('default')}/{name}")


def running_in(folder: Path) -> list[int]:
    """The processes that were started with something of this folder on their command line."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in part for part in process.info["cmdline"] or ())
    ]


def test_kubectl_works_without_a_word_of_warning(control_plane: ControlPlane) -> None:
    """The administrator's kubeconfig is good, and client and server are stamped with versions that go together."""
    told = subprocess.run(
        [control_plane.kubectl, "--kubeconfig", control_plane.admin_kubeconfig, "version", "--output=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stderr == ""
    versions = json.loads(told.stdout)
    assert versions["clientVersion"]["gitVersion"].startswith("v1.")
    assert versions["serverVersion"]["gitVersion"].startswith("v1.")
    assert versions["serverVersion"]["minor"] != ""


def test_secrets_are_for_their_owner_alone(control_plane: ControlPlane) -> None:
    """Keys, tokens and kubeconfigs are readable by nobody else, and neither is their folder."""
    assert control_plane.directory.stat().st_mode & 0o077 == 0
    files = [control_plane.directory / name for name in ("apiserver.key", "sa.key", "tokens.csv", "admin.kubeconfig")]
    assert [oct(path.stat().st_mode & 0o077) for path in files] == ["0o0"] * len(files)


def test_all_listen_on_loopback_alone(control_plane: ControlPlane) -> None:
    """No port of etcd or of the API server can be reached from another machine."""
    for process in (control_plane.etcd, control_plane.apiserver.process):
        listening = [
            socket_.laddr.ip
            for socket_ in psutil.Process(process.pid).net_connections("inet")
            if socket_.status == psutil.CONN_LISTEN
        ]
        assert listening
        assert set(listening) == {"127.0.0.1"}


def test_writes_reach_the_audit_log_before_their_answer(control_plane: ControlPlane) -> None:
    """One event for one write, at its completion and not at its arrival; reads leave none."""
    cluster = control_plane.cluster
    cluster.namespace("audited")
    path = CONFIG_MAPS.format("audited")
    cluster.call("POST", path, {**config_map("one"), "metadata": {"name": "one"}})
    cluster.get(f"{path}/one")
    events = JsonLines(control_plane.audit_log).all()
    mine = [event for event in events if event.get("objectRef", {}).get("namespace") == "audited"]
    about = [event for event in mine if event["objectRef"]["resource"] == "configmaps"]
    assert [(event["verb"], event["stage"], event["level"]) for event in about] == [
        ("create", "ResponseComplete", "Metadata")
    ]


def test_a_rejections_annotations_reach_the_audit_log(control_plane: ControlPlane) -> None:
    """What admission says of a write that it rejects stands in the event of that write."""
    cluster = control_plane.cluster
    cluster.namespace("fenced")
    policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/fenced"
    admission = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "fenced"}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    cluster.apply(
        {
            **admission,
            "kind": "ValidatingAdmissionPolicy",
            "spec": {
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [{"expression": "object.metadata.name != 'no'", "message": "not this one"}],
                "auditAnnotations": [{"key": "why", "valueExpression": "'because of ' + object.metadata.name"}],
            },
        },
        {
            **admission,
            "kind": "ValidatingAdmissionPolicyBinding",
            "spec": {
                "policyName": "fenced",
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "fenced"}}},
            },
        },
    )

    def rejected() -> bool:
        try:
            cluster.call("POST", CONFIG_MAPS.format("fenced"), {**config_map("no"), "metadata": {"name": "no"}})
        except ApiException as error:
            return "not this one" in str(error.body)
        cluster.call("DELETE", f"{CONFIG_MAPS.format('fenced')}/no")
        return False

    wait_until(rejected, what="the policy is in force", timeout=PATIENCE)
    events = JsonLines(control_plane.audit_log).all()
    rejections = [
        event
        for event in events
        if event.get("objectRef", {}).get("namespace") == "fenced" and event["responseStatus"].get("code", 0) >= 400
    ]
    assert [event["annotations"]["fenced/why"] for event in rejections] == ["because of no"]
    cluster.call("DELETE", policies)


def test_it_comes_and_goes(assets: Assets, tmp_path: Path, control_plane: ControlPlane) -> None:
    """One starts beside another and stops with nothing left running; what it leaves in a given folder stays there.

    When someone else took a port before etcd or the API server could, others are tried.
    """
    folder = tmp_path / "given"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        occupied = int(taken.getsockname()[1])
        # etcd asks for two at each attempt, the API server for one.
        found = iter([occupied, free_port(), free_port(), free_port(), occupied, free_port()])
        with ControlPlane.start(assets, directory=folder, port=lambda: next(found)) as second:
            assert list(found) == []
            assert second.url != control_plane.url
            second.cluster.apply(config_map("here"))
            assert stored(second, "here")
            assert not stored(control_plane, "here")
            assert sorted(running_in(folder)) == sorted([second.etcd.pid, second.apiserver.process.pid])
            assert second.ca_pem != control_plane.ca_pem
    assert running_in(folder) == []
    assert second.apiserver.process.returncode == 0
    assert folder.is_dir()
    second.stop()


def test_open_watches_do_not_delay_the_end(assets: Assets) -> None:
    """The API server ends by itself, without SIGKILL, though a client still watches; its folder is gone with it."""
    with ControlPlane.start(assets) as plane:
        host = urlsplit(plane.url)
        watch = plane.cluster.client(token=plane.admin_token)
        response = watch.call_api(
            *watch.param_serialize(
                "GET",
                "/api/v1/namespaces",
                query_params=[("watch", "true")],
                header_params={"Accept": "application/json"},
                auth_settings=["BearerToken"],
            )
        )
        assert response.status == 200
    assert plane.apiserver.process.returncode == 0
    assert plane.etcd.returncode in (0, -signal.SIGTERM)
    assert not plane.directory.exists()
    with socket.socket() as probe:
        assert probe.connect_ex((str(host.hostname), int(host.port or 0))) != 0


def test_a_frozen_api_server_answers_when_thawed(plane: ControlPlane) -> None:
    """While it is frozen its port is open and nobody answers; then it goes on as if nothing had been."""
    plane.apiserver.freeze()
    with pytest.raises(OSError, match="timed out"):
        loopback.get(f"{plane.url}/readyz", timeout=0.5)
    plane.apiserver.thaw()
    plane.apiserver.wait_ready()
    plane.cluster.apply(config_map("after-thaw"))


def test_a_killed_api_server_comes_back_at_its_address(plane: ControlPlane) -> None:
    """Started again after SIGKILL, it serves what was stored, and to the same clients."""
    plane.cluster.apply(config_map("before-kill"))
    url, first = plane.url, plane.apiserver.process.pid
    plane.apiserver.kill()
    assert not loopback.answers(f"{url}/readyz")
    plane.apiserver.start()
    assert plane.url == url
    assert plane.apiserver.process.pid != first
    assert stored(plane, "before-kill")


def test_a_killed_etcd_keeps_what_was_stored(plane: ControlPlane) -> None:
    """Nothing that was acknowledged is lost with its process."""
    plane.cluster.apply(config_map("in-etcd"))
    plane.etcd.kill()
    plane.etcd.start()
    plane.apiserver.wait_ready()
    assert stored(plane, "in-etcd")


def test_two_api_servers_on_one_etcd(plane: ControlPlane) -> None:
    """What is written at one is read at the other, with the same credentials; each has its own audit log."""
    second = plane.add_apiserver(flags=["--v=2"])
    there = plane.cluster.client(token=plane.admin_token, server=second.url)
    path = CONFIG_MAPS.format("default")
    made = call(there, "POST", path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}})
    assert plane.cluster.get(f"{path}/shared")["metadata"]["uid"] == made["metadata"]["uid"]
    assert '"name":"shared"' in second.audit_log.read_text()
    assert '"name":"shared"' not in plane.audit_log.read_text()
    second.stop()
    assert stored(plane, "shared")


def test_a_death_at_start_is_explained(assets: Assets) -> None:
    """The error shows what the API server said of the flag that it does not know; nothing is left behind."""
    with pytest.raises(ProcessDied) as died:
        ControlPlane.start(assets, apiserver_flags=["--make-coffee"])
    assert "kube-apiserver ended with 1 before" in str(died.value)
    assert "unknown flag: --make-coffee" in str(died.value)
    folder = Path(str(died.value).partition("--- end of ")[2].splitlines()[0]).parent
    assert not folder.exists()
    assert running_in(folder) == []


@pytest.mark.parametrize(("number", "leaves_folder"), [(signal.SIGINT, False), (signal.SIGKILL, True)])
def test_nothing_runs_on_when_the_laboratory_ends(assets: Assets, number: signal.Signals, leaves_folder: bool) -> None:
    """After Ctrl-C all is gone; after SIGKILL all processes are, and the folder is swept up later."""
    program = """
import os, signal, sys
from pathlib import Path
from leadergate_lab.assets import Assets
from leadergate_lab.controlplane import ControlPlane
with ControlPlane.start(Assets(*map(Path, sys.argv[1:]), "given")) as plane:
    print(plane.directory, flush=True)
    signal.pause()
"""
    binaries = [assets.etcd, assets.kube_apiserver, assets.kubectl]
    laboratory = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, binaries)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with laboratory:
        assert laboratory.stdout is not None
        folder = Path(laboratory.stdout.readline().strip())
        try:
            assert len(running_in(folder)) == 2
            laboratory.send_signal(number)
            laboratory.wait(PATIENCE)
        finally:
            laboratory.kill()
    wait_until(lambda: running_in(folder) == [], what="nothing of it runs", timeout=PATIENCE)
    assert folder.exists() == leaves_folder
    sweep()
    assert not folder.exists()
