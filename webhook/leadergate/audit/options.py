"""What every command of the review is asked with: its sources, the filter, and how bad lines are told.

A command is written as a function of one :class:`Asked`, and of options of its own; :func:`asks` gives it the flags.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from leadergate.audit.reading.filters import VERDICTS, Filter, parse
from leadergate.audit.reading.origin import Origin
from leadergate.audit.reading.sources import sources
from leadergate.gates.inputs import refuse
from leadergate.gates.refusals import Fault
from leadergate.model import Mode, Reason, Standing
from leadergate.survey.command import USUAL_SERVICE, named, orderly
from leadergate_certs.reach import ContextOption, KubeconfigOption

P = ParamSpec("P")

Texts = list[str] | None


def _patterns(metavar: str, text: str) -> Any:
    return Annotated[Texts, typer.Option(metavar=metavar, help=text)]


def _choices(choices: tuple[str, ...]) -> Any:
    return Annotated[Texts, typer.Option(metavar="NAME", help=f"One of {', '.join(choices)}.")]


FilesArgument = Annotated[
    Texts,
    typer.Argument(
        metavar="FILE|GLOB|-",
        help="Logs with records, plain or .gz; Parquet of export; - for stdin. None: the cluster's webhook.",
    ),
]
ServiceOption = Annotated[
    str | None,
    typer.Option(
        metavar="NS/NAME", help=f"Without FILE: the Service in front of the webhook. Default: {USUAL_SERVICE}."
    ),
]
SelectorOption = Annotated[
    str | None, typer.Option(metavar="LABELS", help="The labels of its pods, in place of those that it selects.")
]
ContainerOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The container in each pod. Default: the webhook's.")
]
ORIGIN_OPTIONS: dict[str, Any] = {
    "service": ServiceOption,
    "selector": SelectorOption,
    "container": ContainerOption,
    "kubeconfig": KubeconfigOption,
    "context": ContextOption,
}
"""A flag for each field of :class:`Origin` that says where the cluster is."""
FILTER_OPTIONS: dict[str, Any] = {
    "since": Annotated[
        str | None,
        typer.Option(metavar="TIME", help="From then on: 2026-03-01T02:30:00Z, 2026-03-01, or 90m (that long ago)."),
    ],
    "until": Annotated[str | None, typer.Option(metavar="TIME", help="Before then.")],
    "gate": _patterns("NS/LEASE", "The gate's Lease."),
    "pod": _patterns("[NS/]NAME", "The pod that wrote."),
    "account": _patterns("NS/NAME", "Its service account."),
    "object": _patterns("[NS/]NAME", "The object that it wrote to."),
    "resource": _patterns("PLURAL.GROUP", "The resource of that object."),
    "reason": _choices(tuple(Reason)),
    "verdict": _choices(VERDICTS),
    "mode": _choices(tuple(Mode)),
    "standing": _choices(tuple(Standing)),
    "dry_run": Annotated[bool | None, typer.Option("--dry-run/--no-dry-run", help="Dry runs alone, or none of them.")],
    "webhook_pod": _patterns("NAME", "The replica of the webhook that judged."),
    "uid": _patterns("UID", "The review, by its uid."),
    "routine": Annotated[
        bool, typer.Option("--routine/--no-routine", help="Show routine rejections of followers, too; or not.")
    ],
}
"""A flag for each field of :class:`Filter`. Texts may be repeated."""

_BAD = Annotated[
    str, typer.Option(metavar="N|all", help="How many of the lines that cannot be read are shown, with file and line.")
]
_STRICT = Annotated[bool, typer.Option("--strict", help="End with 1 where a line could not be read.")]
SHOWN_BAD = 5
"""Bad lines that are shown unless asked for more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command was asked.

    ``files`` are names, globs or ``-`` as they were given: none means the logs of the webhook's replicas in the
    cluster, which ``origin`` tells; it is None where there are files.
    ``bad`` is how many bad lines are shown, None for all.
    """

    files: tuple[str, ...] = ()
    flt: Filter = field(default_factory=Filter)
    bad: int | None = SHOWN_BAD
    strict: bool = False
    origin: Origin | None = None


def asks(
    *, routine: bool = False, whole: bool = False
) -> Callable[[Callable[Concatenate[Asked, P], None]], Callable[..., None]]:
    """Make a command of a function: its first parameter is filled from flags that are added to its own.

    Parameters of the function without a default are arguments that come before the files; one that is named as a field
    of the filter stands in place of that flag, and is not part of ``Asked.flt``. ``routine`` is whether the command
    takes routine rejections in unless told otherwise; ``whole`` whether it takes what the cluster has from before
    ``--since`` as well. Faults of flags end the command with 2, all at once; so
    does a missing extra. A reader of the output that went away ends it quietly.
    """

    def made(command: Callable[Concatenate[Asked, P], None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        offered = [name for name in FILTER_OPTIONS if name not in {one.name for one in own}]

        @wraps(command)
        def asked(*, files: Texts, bad: str, strict: bool, **flags: Any) -> None:
            fields = {name: flags.pop(name) for name in offered}
            where = {name: flags.pop(name) for name in ORIGIN_OPTIONS}
            need_extra()
            value = _asked(files, bad, strict=strict, fields=fields, where=where, whole=whole)
            with orderly():
                command(value, **flags)  # type: ignore[call-arg]

        asked.__signature__ = _signature(own, offered, routine=routine)  # type: ignore[attr-defined]
        return asked

    return made


def asked_filter(fields: dict[str, Any], faults: list[Fault], *, now: datetime | None = None) -> Filter:
    """The filter that flags ask for; faults are added to those that are known already."""
    texts = {one: _texts(value) for one, value in fields.items()}
    flt, found = parse(texts, now or datetime.now(UTC), name=flag)
    faults += found
    # On the command line an empty text is a variable of the shell that is not set: it must not mean everything.
    faults += [Fault(flag(one), "", " is empty", "leave it out, or name one") for one in texts if "" in texts[one]]
    return flt


def asked_origin(
    files: Texts, where: dict[str, Any], faults: list[Fault], *, since: datetime | None = None
) -> Origin | None:
    """Where the cluster is, if there are no ``files``; faults are added to those that are known already."""
    given = {name: value for name, value in where.items() if value is not None}
    if files:
        remedy = "leave it out, or FILE: without FILE the records are those of the cluster"
        faults += [Fault(flag(name), str(value), " says nothing of files", remedy) for name, value in given.items()]
        return None
    for name in ("selector", "container", "context"):
        if given.get(name) == "":
            faults.append(Fault(flag(name), "", " is empty", "leave it out, or name one"))
    service = named(given.get("service", USUAL_SERVICE), None, faults)[0]
    return Origin(since=since, **given | {"service": service})


def flag(name: str) -> str:
    """How a field of the filter is written on the command line."""
    return "--" + name.replace("_", "-")


def need_extra() -> None:
    """End the command with 2 where the packages of the review are not installed."""
    if importlib.util.find_spec("duckdb") is None:
        typer.echo("leadergate audit needs its extra packages: pip install 'leadergate[audit]'", err=True)
        raise typer.Exit(2)


def _asked(
    files: Texts, bad: str, *, strict: bool, fields: dict[str, Any], where: dict[str, Any], whole: bool
) -> Asked:
    faults: list[Fault] = []
    flt = asked_filter(fields, faults)
    origin = asked_origin(files, where, faults, since=None if whole else flt.since)
    if bad != "all" and not bad.isdecimal():
        faults.append(Fault("--bad", bad, " is no number of lines", "expected one like 20, or all"))
    if faults:
        faults += sources(files)[1] if files else []
        refuse("nothing is read", [str(fault) for fault in faults])
    return Asked(tuple(files or ()), flt, None if bad == "all" else int(bad), strict, origin)


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [value] if isinstance(value, str) else list(value)


def _signature(own: list[inspect.Parameter], offered: list[str], *, routine: bool) -> inspect.Signature:
    first = [one for one in own if one.default is inspect.Parameter.empty]
    rest = [one for one in own if one not in first]
    defaults = {"routine": routine}
    filters = [_keyword(name, FILTER_OPTIONS[name], defaults.get(name)) for name in offered]
    ends = [_keyword("bad", _BAD, str(SHOWN_BAD)), _keyword("strict", _STRICT, default=False)]
    where = [_keyword(name, kind, None) for name, kind in ORIGIN_OPTIONS.items()]
    parameters = [*first, _keyword("files", FilesArgument, None), *filters, *rest, *where, *ends]
    return inspect.Signature([one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters])


def _keyword(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
