"""Provokes what the alerts speak of on a real API server, and keeps the pages of metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadergate_lab.certs.stage import CertStage
from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Writer

API_SERVERS = "apiserver_admission_webhook_"


_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})? \S+$")
_LABEL = re.compile(r'(?P<name>\w+)="(?P<value>(?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Page:
    """A page of metrics: the types of its families, and of each sample's name the label sets."""

    types: Mapping[str, str]
    samples: Mapping[str, Sequence[Mapping[str, str]]]

    @classmethod
    def parse(cls, text: str) -> Page:
        """Take in the Prometheus text format. The client library's parser calls some counters by other names."""
        types: dict[str, str] = {}
        samples: dict[str, list[Mapping[str, str]]] = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                name, kind = line.split()[2:]
                types[name] = kind
                # A family may have no sample yet.
                for suffix in ("_bucket", "_count", "_sum") if kind == "histogram" else ("",):
                    samples.setdefault(f"{name}{suffix}", [])
            elif not line.startswith("#") and line:
                found = _SAMPLE.fullmatch(line)
                assert found is not None, line
                labels = {one["name"]: one["value"] for one in _LABEL.finditer(found["labels"] or "")}
                samples.setdefault(found["name"], []).append(labels)
        return cls(types, samples)


@dataclass(frozen=True)
class Pages:
    """Of the webhook and of the API server, of the latter what it counts of webhooks."""

    webhook: Page
    api_server: Page

    def label_sets(self, name: str) -> Sequence[Mapping[str, str]] | None:
        """The label sets of a metric, None when neither page has such a metric."""
        found = self.webhook.samples.get(name)
        return self.api_server.samples.get(name) if found is None else found


def bad_night(stage: CertStage) -> Pages:
    """A stranger, a holder, a follower, a takeover, a former holder, a nudge without the right to it, and a Lease that
    may not be read, under Fail and under Ignore.
    """
    (webhook,) = stage.replicas
    gate = f"{stage.namespace}/lock"
    stage.gate()
    path = stage.objects[0]
    other = stage.cluster.pod(stage.namespace, "operator-1", "operator")
    follower = Writer(stage.cluster.client(token=stage.cluster.pod_token(other)))
    assert stage.leader.status(path, {"observedGeneration": 1}).ok
    assert follower.status(path, {"observedGeneration": 2}).cause == "NotHolder"
    stage.cluster.set_lease(stage.namespace, "lock", "operator-1", duration=3600)
    wait_until(
        lambda: webhook.metric("leadergate_nudges_total", gate=gate, outcome="forbidden") > 0,
        what="a nudge is forbidden",
        timeout=120,
    )
    assert stage.leader.status(path, {"observedGeneration": 3}).cause == "NotHolder"
    assert webhook.metric("leadergate_rejections_total", gate=gate, standing="former-holder") == 1
    for policy, failed in (("Fail", "rejection_count"), ("Ignore", "fail_open_count")):
        _unreadable(stage, policy)
        wait_until(
            lambda: _counted(stage, failed, stage.leader, path),  # noqa: B023 - called before the next turn
            what=f"the API server counts a failure under {policy}",
            timeout=120,
        )
    return Pages(Page.parse(webhook.plain("/metrics")[1]), Page.parse(_api_server(stage)))


def _unreadable(stage: CertStage, policy: str) -> None:
    """A second gate, at a Lease that the webhook may not read."""
    manifest = stage.gate_manifest(failurePolicy=policy)
    manifest["webhooks"][0]["clientConfig"]["url"] += "-unreadable"
    stage.cluster.apply(manifest)


def _counted(stage: CertStage, metric: str, writer: Writer, path: str) -> bool:
    writer.status(path, {"observedGeneration": 4})
    name = f"gate.{stage.configuration}.leadergate.dev"
    lines = _api_server(stage).splitlines()
    failed = [one for one in lines if f'name="{name}"' in one and 'error_type="no_error"' not in one]
    return any(one.startswith(f"{API_SERVERS}{metric}{{") for one in failed)


def _api_server(stage: CertStage) -> str:
    """What the API server counts of webhooks; of its 20,000 lines nothing else."""
    response = stage.cluster.api.call_api(
        *stage.cluster.api.param_serialize("GET", "/metrics", auth_settings=["BearerToken"])
    )
    lines = response.read().decode().splitlines()
    return "\n".join(one for one in lines if API_SERVERS in one.partition("{")[0])
