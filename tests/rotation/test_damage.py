"""What is deleted, damaged or overwritten comes right again, and callers notice nothing, or not for long."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from leadergate_certs.loop import POLL_SECONDS
from leadergate_certs.state import Phase, Request, State
from leadergate_lab.certs.rights import SECRET
from leadergate_lab.certs.stage import CONFIGURATIONS, MERGE, CertStage
from leadergate_lab.processes import wait_until

from .conftest import served
from .outcome import ADMITTED, went_well

JUNK = base64.b64encode(b"junk").decode()


def known(stage: CertStage) -> State:
    """The state, which must be there."""
    state = stage.state()
    assert state is not None
    return state


def logged(stage: CertStage, event: str) -> str:
    """What replicas have logged of an event."""
    text = "".join(replica.process.stderr_path.read_text() for replica in stage.replicas)
    return "\n".join(line for line in text.splitlines() if f'"event":"{event}"' in line)


def restored(stage: CertStage, fault: str) -> int:
    """How often replicas have told that they mended this."""
    return logged(stage, "certificate_secret_restored").count(fault)


def wait_restored(stage: CertStage, fault: str, *, before: int = 0) -> None:
    """Wait until it is told, once more: the Secret is back a moment before the log says so."""
    wait_until(lambda: restored(stage, fault) > before, what=f"the log tells of {fault!r}", timeout=30)


def test_a_deleted_secret_is_written_again(lasting: CertStage) -> None:
    """From what replicas remember: no new keys, and nobody notices."""
    before, told = known(lasting), restored(lasting, "there is no such Secret")
    with lasting.load() as load, lasting.dialer() as dialer:
        load.wait_admitted(ADMITTED)
        lasting.cluster.call("DELETE", lasting.secret_path)
        after = lasting.wait_state(lambda _: True, what="the Secret is back")
        went_well(load, dialer)
    assert after.pair.certificate == before.pair.certificate
    assert after.newest.fingerprint == before.newest.fingerprint
    wait_restored(lasting, "there is no such Secret", before=told)


@pytest.mark.parametrize("key", ["tls.crt", "tls.key", "ca.crt", "ca.key", "state.json"])
def test_a_damaged_secret_is_mended(lasting: CertStage, key: str) -> None:
    """Each part of it; replicas serve the last good pair meanwhile."""
    before, told = known(lasting), restored(lasting, key)
    with lasting.load() as load, lasting.dialer() as dialer:
        load.wait_admitted(ADMITTED)
        lasting.cluster.call("PATCH", lasting.secret_path, {"data": {key: JUNK}}, content_type=MERGE)
        if key == "ca.key":  # nothing is wrong with it but that it signs no more: the next authority is due
            lasting.wait_state(
                lambda state: state.phase is Phase.STEADY and before.newest.fingerprint in state.retired,
                what="the authority that cannot sign is replaced",
            )
        else:
            after = lasting.wait_state(lambda _: True, what="the Secret is mended")
            assert after.pair.certificate == before.pair.certificate
            wait_restored(lasting, key, before=told)
        went_well(load, dialer)


def test_a_wiped_bundle_is_put_back(lasting: CertStage) -> None:
    """At once, whatever calls failed in between; ``make soak-certs`` tells how long that was."""
    bundle = lasting.bundle()
    with lasting.load() as load, lasting.dialer(lag=0) as dialer:
        load.wait_admitted(ADMITTED)
        wiped = lasting.gate_manifest()
        wiped["webhooks"][0]["clientConfig"]["caBundle"] = ""
        lasting.cluster.apply(wiped)
        # Sooner than anybody would look without a watch.
        wait_until(lambda: lasting.bundle() == bundle, what="the bundle is back", timeout=POLL_SECONDS / 3)
        load.wait_admitted(ADMITTED)
        dialer.wait_succeeded(10)


def test_what_is_lost_with_all_replicas_is_made_anew(stage: CertStage) -> None:
    """Nobody remembers: new keys, trusted as soon as they are injected; the lost authority is of no use to anybody."""
    before = known(stage)
    for replica in stage.replicas:
        replica.process.kill()
    stage.cluster.call("DELETE", stage.secret_path)
    for replica in stage.replicas:
        replica.start(ready=False)
    stage.wait_ready()
    after = stage.wait_state(lambda state: state.phase is Phase.STEADY, what="there are new ones")
    assert after.newest.fingerprint != before.newest.fingerprint
    with stage.load() as load:
        load.wait_admitted(ADMITTED)


def test_a_backup_of_the_secret_is_survived(stage: CertStage) -> None:
    """An older Secret, whose authority is trusted no more, is not served before it is trusted again."""
    backup = known(stage)
    stage.rotate_ca()
    with stage.load() as load, stage.dialer() as dialer:
        load.wait_admitted(ADMITTED)
        stage.put_state(backup)
        leaf = backup.pair.certificate_pem
        wait_until(lambda: backup.newest.pem in stage.bundle(), what="its authority is trusted again", timeout=30)
        before = dialer.succeeded
        wait_until(lambda: served(stage) == {leaf}, what="every replica serves its leaf", timeout=30)
        assert dialer.succeeded > before
        went_well(load, dialer)


def test_a_secret_of_something_else_is_left_alone(set_up: Callable[..., CertStage]) -> None:
    """It is not overwritten; the log says why nothing is served, and readiness says that nothing is."""
    stage = set_up(replicas=1)
    theirs: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": stage.namespace, "name": SECRET},
        "data": {"password": base64.b64encode(b"theirs").decode()},
    }
    stage.cluster.apply(theirs)
    stage.start(ready=False)
    wait_until(lambda: "not overwritten" in logged(stage, "certificate_rotation_fault"), what="it is said", timeout=30)
    assert stage.cluster.get(stage.secret_path)["data"] == theirs["data"]
    code, said = stage.replicas[0].plain("/readyz")
    assert (code, "there is no serving certificate yet" in said) == (503, True)
    # An empty one was made for us.
    stage.cluster.call("PATCH", stage.secret_path, {"data": None}, content_type=MERGE)
    stage.wait_ready()
    assert stage.cluster.get(stage.secret_path)["type"] == "Opaque"


def test_an_empty_secret_that_was_made_for_us_is_filled(set_up: Callable[..., CertStage]) -> None:
    """As certs-rbac.yaml says: of type kubernetes.io/tls, which has to hold both keys, if nothing in them."""
    stage = set_up(replicas=1)
    stage.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"namespace": stage.namespace, "name": SECRET},
            "data": {"tls.crt": "", "tls.key": ""},
        }
    )
    stage.start()
    assert stage.cluster.get(stage.secret_path)["type"] == "kubernetes.io/tls"
    assert known(stage).pair


def test_the_secret_is_of_the_type_that_others_expect(lasting: CertStage) -> None:
    """From the start, since it can never be changed."""
    assert lasting.cluster.get(lasting.secret_path)["type"] == "kubernetes.io/tls"


@pytest.mark.parametrize("phase", [Phase.SPREADING, Phase.SETTLING, Phase.OVERLAPPING])
def test_a_rotation_that_loses_all_its_keys_comes_to_its_end(set_up: Callable[..., CertStage], phase: Phase) -> None:
    """Wherever it was: another authority takes over, and nobody notices."""
    stage = set_up(propagation=2)
    stage.start()
    stage.gate()
    before = known(stage)
    with stage.load() as load, stage.dialer() as dialer:
        stage.ask(Request.CA)
        stage.wait_state(lambda state: state.phase is phase, what=f"it is {phase}")
        stage.cluster.call("PATCH", stage.secret_path, {"data": {"ca.key": JUNK}}, content_type=MERGE)
        after = stage.wait_state(
            lambda state: (
                state.phase is Phase.STEADY
                and state.newest.key is not None
                and before.newest.fingerprint in state.retired
            ),
            what="an authority that can sign has taken over",
        )
        went_well(load, dialer)
    assert stage.bundle() == after.bundle


def test_a_foreign_certificate_in_its_place_is_not_taken(lasting: CertStage) -> None:
    """A pair that no authority of the Secret has issued is refused, and the last good one goes on."""
    told = restored(lasting, "none of the authorities")
    other = CertStage(lasting.plane, replicas=1)
    try:
        other.start()
        foreign = known(other).pair
    finally:
        other.end()
    data = {
        "tls.crt": base64.b64encode(foreign.certificate_pem).decode(),
        "tls.key": base64.b64encode(foreign.key_pem).decode(),
    }
    with lasting.load() as load, lasting.dialer() as dialer:
        lasting.cluster.call("PATCH", lasting.secret_path, {"data": data}, content_type=MERGE)
        lasting.wait_state(lambda state: state.pair.certificate != foreign.certificate, what="the Secret is mended")
        went_well(load, dialer)
    wait_restored(lasting, "none of the authorities", before=told)


def test_a_checker_that_sees_a_rotation_without_overlap(set_up: Callable[..., CertStage]) -> None:
    """Replicas made to serve an authority that nobody trusts fail both the writes and the handshakes."""
    stage = set_up(flags=["--no-certs-rotate"])
    other = set_up(replicas=1)
    other.start()
    theirs = known(other)
    stage.put_state(theirs)
    stage.start()
    bundle = base64.b64encode(theirs.bundle).decode()
    stage.apply_gate()
    patch = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}]
    path = f"{CONFIGURATIONS}/{stage.configuration}"
    stage.cluster.call("PATCH", path, patch, content_type="application/json-patch+json")
    stage.gate()
    other.gate()
    without_overlap = other.rotate_ca()
    with stage.load() as load, stage.dialer() as dialer:
        load.wait_admitted(ADMITTED)
        dialer.wait_succeeded(10)
        assert not dialer.failures
        stage.put_state(without_overlap)
        wait_until(lambda: len(dialer.failures) > 10, what="handshakes fail", timeout=30)
