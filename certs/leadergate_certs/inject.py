"""``leadergate certs inject``: write caBundles once, by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from leadergate_certs.bundle import added, certificates, pem, wanted
from leadergate_certs.calls import ClusterFault, Conflict
from leadergate_certs.cluster import KINDS, LABEL, Cluster, Configuration
from leadergate_certs.reach import DEFAULT_SECRET, ContextOption, KubeconfigOption, Reach, SecretOption, refuse

_TRIES = 10
Merge = Callable[[bytes], bytes]


def inject(
    name: Annotated[
        list[str] | None,
        typer.Option(help="A configuration, whatever its labels. May be repeated; default: all that carry the label."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="PEM file of authorities to be trusted, in place of the Secret's.")
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Take out everything else that is trusted there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
    secret: SecretOption = DEFAULT_SECRET,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Put the authorities into the caBundle of every entry of webhook configurations, once.

    `leadergate serve --certs-secret` does this by itself and goes on doing it; this command is for certificates made by
    hand, and for taking out with --prune what nobody needs to be trusted any more. What others have put there stays,
    without --prune.
    """
    given = _authorities(ca_file)

    async def work(cluster: Cluster) -> None:
        merge = await _merge(cluster, given, prune=prune)
        found = await _chosen(cluster, name or [])
        if not found:
            typer.echo(f"nothing to do: no configuration has the label {LABEL}={cluster.namespace}")
        for one in found:
            written = await _write(cluster, one, merge, dry_run=dry_run)
            done = "would be written" if dry_run else "written"
            typer.echo(f"{one}: {done if written else 'unchanged'}, {len(one.bundles)} entries")

    Reach(secret, kubeconfig, context).run(work)


def _authorities(file: Path | None) -> list[x509.Certificate] | None:
    if file is None:
        return None
    try:
        found = certificates(file.read_bytes())
    except OSError as fault:
        refuse(f"--ca-file: cannot read {file}: {fault.strerror}")
    if not found:
        refuse(f"--ca-file: {file} holds no certificate; expected PEM, such as ca.crt of leadergate certs issue")
    return found


async def _merge(cluster: Cluster, given: list[x509.Certificate] | None, *, prune: bool) -> Merge:
    if given is not None:
        return lambda bundle: pem(given) if prune else added(bundle, given)
    stored = await cluster.read()
    state = stored.state
    if state is None:
        refuse(f"{cluster}: {stored.fault}; name another with --secret, or a file with --ca-file")
    now = datetime.now(UTC)
    return lambda bundle: state.bundle if prune else wanted(bundle, state, now)


async def _chosen(cluster: Cluster, names: list[str]) -> list[Configuration]:
    if not names:
        return await cluster.configurations()
    chosen: list[Configuration] = []
    for name in names:
        found = [one for resource in KINDS if (one := await _named(cluster, resource, name)) is not None]
        if not found:
            refuse(f"--name: there is no webhook configuration {name!r}")
        chosen += found
    return chosen


async def _named(cluster: Cluster, resource: str, name: str) -> Configuration | None:
    try:
        return await cluster.configuration(resource, name)
    except ClusterFault as fault:
        if fault.code == 404:
            return None
        raise


async def _write(cluster: Cluster, one: Configuration, merge: Merge, *, dry_run: bool) -> bool:
    """Write it, reading it again when somebody else was quicker; returns whether it needed a change."""
    for _ in range(_TRIES):
        bundles = {name: merge(bundle) for name, bundle in one.bundles.items()}
        if bundles == dict(one.bundles):
            return False
        if dry_run:
            return True
        try:
            await cluster.inject(one, bundles)
        except Conflict:
            one = await cluster.configuration(one.resource, one.name)
            continue
        return True
    raise ClusterFault(f"cannot inject {one}: others write it all the time; try again")
