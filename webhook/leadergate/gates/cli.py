"""``leadergate gate``: a gate's manifests, from flags or from a small file."""

from __future__ import annotations

from typing import Annotated

import typer
import yaml

from leadergate.gates.fields import Fields, overridden
from leadergate.gates.inputs import asked, from_file, refuse
from leadergate.gates.listing import list_gates
from leadergate.gates.manifest import manifests
from leadergate.gates.notes import notes
from leadergate.gates.reading import read
from leadergate.gates.refusals import Found, discovered
from leadergate_certs.reach import ContextOption, KubeconfigOption

# Plain help: its examples are to be copied, and boxes would break their lines.
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_HEADER = "# Made by leadergate gate render. There is no caBundle here on purpose: "
_INJECTED = "it is put in later, by the webhook as the label\n# says, and applying this again leaves it alone.\n"
_BY_HAND = "put your authority in yourself, base64 in\n# one line, or by leadergate certs inject --name later.\n"

_Text = str | None
_Texts = list[str] | None


@app.callback()
def _group() -> None:
    """Write and list gates: ValidatingWebhookConfigurations that bind status writes to a Lease."""


app.command("list")(list_gates)


@app.command(no_args_is_help=True)
def render(
    lease: Annotated[_Text, typer.Option(metavar="NS/NAME", help="The Lease that the writers elect with.")] = None,
    resource: Annotated[
        _Texts,
        typer.Option(
            metavar="RESOURCE.VERSION.GROUP",
            help="A resource whose status is gated, in kubectl's long form, as in `kubectl get "
            "redirects.v1.demo.leadergate.dev`. May be repeated.",
        ),
    ] = None,
    mode: Annotated[
        _Text,
        typer.Option(
            metavar="MODE", help="audit only records, warn warns the writer as well, enforce rejects. Default: audit."
        ),
    ] = None,
    failure_policy: Annotated[
        _Text,
        typer.Option(
            metavar="POLICY",
            help="What becomes of a write that gets no verdict: Fail refuses it, Ignore lets it through. "
            "Default: Fail with enforce, else Ignore.",
        ),
    ] = None,
    file: Annotated[
        _Text,
        typer.Option(
            "--file", "-f", metavar="FILE", help="YAML with fields named as these flags; - is standard input."
        ),
    ] = None,
    only_service_account: Annotated[
        _Texts,
        typer.Option(
            metavar="NS/NAME",
            help="Ask about this service account's writes only. May be repeated. Everybody else, people and pods of "
            "other accounts, then writes unjudged, as far as RBAC lets them.",
        ),
    ] = None,
    allow: Annotated[
        _Texts,
        typer.Option(
            metavar="WHO",
            help="Let somebody write unjudged: user:NAME, group:NAME or serviceaccount:NS/NAME. May be repeated.",
        ),
    ] = None,
    namespace: Annotated[
        _Texts,
        typer.Option(
            metavar="NS",
            help="A namespace of gated objects. May be repeated. Default: that of --from.",
        ),
    ] = None,
    all_namespaces: Annotated[
        bool,
        typer.Option(
            "--all-namespaces",
            help="Gate objects in all namespaces but the cluster's own and the webhook's.",
        ),
    ] = False,
    from_: Annotated[
        _Text,
        typer.Option("--from", metavar="NS", help="Whose pods write. Default: the Lease's namespace."),
    ] = None,
    identity: Annotated[
        _Text,
        typer.Option(metavar="KIND", help="What the holder names: pod, or node with hostNetwork."),
    ] = None,
    suffix: Annotated[_Text, typer.Option(metavar="TEXT", help="The holder is POD-TEXT (cert-manager).")] = None,
    random: Annotated[
        _Text,
        typer.Option(metavar="COUNT", help="The holder is POD- and COUNT characters (Cilium)."),
    ] = None,
    code: Annotated[
        _Text,
        typer.Option(metavar="CODE", help="HTTP code of a denial: 403, 409, 422 or 429."),
    ] = None,
    retry_after: Annotated[_Text, typer.Option(metavar="SECONDS", help="With code 429: how long clients wait.")] = None,
    timeout_seconds: Annotated[
        _Text,
        typer.Option(
            metavar="SECONDS",
            help="How long the API server waits for a verdict, 1 to 10. Default: 3.",
        ),
    ] = None,
    name: Annotated[
        _Text,
        typer.Option(
            metavar="NAME",
            help="What all the objects are called. Default: LEASE.NAMESPACE.leadergate.dev; a second gate of the same "
            "Lease needs another one.",
        ),
    ] = None,
    service: Annotated[
        _Text,
        typer.Option(
            metavar="NS/NAME[:PORT]",
            help="The Service in front of the webhook. Default: leadergate-system/leadergate:443.",
        ),
    ] = None,
    url: Annotated[
        _Text,
        typer.Option(metavar="URL", help="https://HOST[:PORT] of a webhook that has no Service."),
    ] = None,
    account: Annotated[
        _Text,
        typer.Option(
            metavar="NS/NAME",
            help="The webhook's own service account, which gets the rights. Default: leadergate-system/leadergate.",
        ),
    ] = None,
    inject: Annotated[
        _Text,
        typer.Option(
            metavar="NS",
            help="Namespace of the Secret with the webhook's certificates. Default: that of --account.",
        ),
    ] = None,
    no_inject: Annotated[
        bool,
        typer.Option("--no-inject", help="The webhook does not inject: leave label and right out."),
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask a cluster whether the resources exist.")
    ] = False,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Print the manifests of a gate: its ValidatingWebhookConfiguration, and the rights that the webhook needs for it.

    Nothing is applied. A gate that could take the cluster down, or that could never let anybody write, is refused with
    exit code 2 and all reasons at once: on Leases, wildcards, the core group, apps and others that the control plane
    writes, kube-system, the webhook's own namespace, and resources that discovery says are not there or have no status
    subresource. Without a cluster discovery is skipped, and a note says so.

    \b
    Begin by recording what would be rejected, and then reject:
      leadergate gate render --lease demo/operator-lock --resource redirects.v1.demo.leadergate.dev | kubectl apply -f -
      leadergate gate render --lease demo/operator-lock --resource redirects.v1.demo.leadergate.dev --mode enforce

    \b
    cert-manager, whose Lease is elsewhere, and whose certificates are everywhere:
      leadergate gate render --lease kube-system/cert-manager-controller --from cert-manager \\
        --suffix external-cert-manager-controller --all-namespaces --resource certificates.v1.cert-manager.io

    \b
    Let administrators mend a status by hand:
      leadergate gate render -f gate.yaml --allow group:system:masters --allow user:ann@example.org

    \b
    gate.yaml, with fields named as the flags; flags win:
      lease: demo/operator-lock
      resource: redirects.v1.demo.leadergate.dev
      mode: enforce
      timeout-seconds: 3
    """
    flags = Fields(
        lease=lease,
        resource=tuple(resource or ()),
        mode=mode,
        name=name,
        from_=from_,
        identity=identity,
        suffix=suffix,
        random=random,
        code=code,
        retry_after=retry_after,
        only_service_account=tuple(only_service_account or ()),
        allow=tuple(allow or ()),
        failure_policy=failure_policy,
        timeout_seconds=timeout_seconds,
        namespace=tuple(namespace or ()),
        all_namespaces=all_namespaces,
        service=service,
        url=url,
        account=account,
        inject=inject,
        no_inject=no_inject,
    )
    fields = flags if file is None else overridden(from_file(file), flags)
    reading = read(fields)
    findings = {} if offline else asked(reading.resources, kubeconfig, context)
    faults = [*reading.faults, *discovered(findings, fields.namespace)]
    if faults or reading.spec is None:
        refuse("this gate is refused", [str(fault) for fault in faults])
    found = {one: what for one, what in findings.items() if isinstance(what, Found)}
    for note in notes(reading.spec, found):
        typer.echo(f"note: {note}", err=True)
    made = yaml.safe_dump_all(manifests(reading.spec, found), sort_keys=False, explicit_start=True, width=1 << 20)
    bundle = _BY_HAND if reading.spec.inject is None else _INJECTED
    typer.echo(_HEADER + bundle + made, nl=False)
