"""``leadergate certs rotate``: ask the replicas for a renewal, and follow it to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

import typer

from leadergate_certs.cluster import Cluster
from leadergate_certs.duration import in_words, parse_duration
from leadergate_certs.reach import DEFAULT_SECRET, ContextOption, KubeconfigOption, Reach, SecretOption, refuse
from leadergate_certs.report import SHOWN
from leadergate_certs.state import Phase, Request, State, fingerprint

LOOK_SECONDS = 0.5
# Waiting for the propagation time is no news, but a configuration that cannot be written would be waited for for ever.
STILL_SECONDS = {Phase.SPREADING: 30.0, Phase.SETTLING: 180.0, Phase.OVERLAPPING: 180.0, Phase.STEADY: 30.0}
_SAID = {
    Phase.SPREADING: "a new authority was made; it goes into every labelled configuration beside the old one",
    Phase.SETTLING: "every configuration trusts it; API servers are given --certs-propagation to hear of that",
    Phase.OVERLAPPING: "its leaf is served; after as long again, and once no replica serves another, the old one goes",
    Phase.STEADY: "one authority is trusted, and its leaf is served",
}


def rotate(
    ca: Annotated[bool, typer.Option("--ca", help="Replace the authority, too; else the serving leaf alone.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow it to its end.")] = True,
    timeout: Annotated[str, typer.Option(help="How long to follow, such as 90s or 15m.")] = "15m",
    secret: SecretOption = DEFAULT_SECRET,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Renew the serving certificate now, or with --ca the authority as well, without a failed admission.

    The replicas of the webhook do it; this command asks them by an annotation on the Secret and tells how far they
    are. It may be interrupted at any time: they go on. Exits with 1 when it has not come to its end in time.
    """
    try:
        longest = parse_duration(timeout)
    except ValueError as fault:
        refuse(f"--timeout: {fault}")
    request = Request.CA if ca else Request.LEAF

    async def work(cluster: Cluster) -> bool:
        stored = await cluster.read()
        before = stored.state
        if before is None:
            refuse(f"{cluster}: {stored.fault}; is leadergate serve running with --certs-secret {secret}?")
        await cluster.ask(request)
        typer.echo(f"asked for a new {'authority' if ca else 'leaf'}; {cluster} is {before.phase}")
        return not wait or await _follow(cluster, before, request, longest)

    if not Reach(secret, kubeconfig, context).run(work):
        raise typer.Exit(1)


async def _follow(cluster: Cluster, before: State, request: Request, longest: timedelta) -> bool:
    began = changed_at = time.monotonic()
    done, last, told = _done(before, request), before, False
    while time.monotonic() - began < longest.total_seconds():
        state = (await cluster.read()).state
        if state is not None and _stands(state) != _stands(last):
            changed_at, last, told = time.monotonic(), state, False
            typer.echo(f"{_clock(began)}  {state.phase}: {_SAID[state.phase]}")
        if state is not None and done(state):
            leaf, authority = state.pair.certificate, state.newest.certificate
            typer.secho(
                f"{_clock(began)}  done: leaf {fingerprint(leaf)[:SHOWN]} until {leaf.not_valid_after_utc:%F},"
                f" authority {fingerprint(authority)[:SHOWN]} until {authority.not_valid_after_utc:%F}",
                fg="green",
            )
            return True
        if not told and time.monotonic() - changed_at > STILL_SECONDS[last.phase]:
            told = True
            typer.echo(
                f"{_clock(began)}  still {last.phase}; see leadergate certs show, and the log of leadergate serve"
                " (certificate_rotation says what it waits for)"
            )
        await asyncio.sleep(LOOK_SECONDS)
    typer.echo(f"error: not at its end within {in_words(longest)}; the replicas go on: {_SAID[last.phase]}", err=True)
    return False


def _done(before: State, request: Request) -> Callable[[State], bool]:
    def leaf(state: State) -> bool:
        return state.pair.certificate != before.pair.certificate and state.requested is None

    def authority(state: State) -> bool:
        replaced = before.newest.fingerprint not in [one.fingerprint for one in state.authorities]
        return replaced and state.requested is None and state.phase is Phase.STEADY

    return authority if request is Request.CA else leaf


def _stands(state: State) -> tuple[Phase, bytes, int]:
    return state.phase, state.pair.certificate_pem, len(state.authorities)


def _clock(began: float) -> str:
    return f"{time.monotonic() - began:5.1f} s"
