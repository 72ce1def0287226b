"""One meaning of a filter: the SQL agrees with a plain model of what the fields mean."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadergate.audit.reading import trail
from leadergate.audit.reading.columns import FLAT, NEEDED, NESTED
from leadergate.audit.reading.filters import Filter, exactly, parse
from leadergate.model import Mode, Reason, Standing
from leadergate.records import Record, ResourceField

from .written import START, made, written

NAMES = st.sampled_from(["a", "b", "ab", "a[1]", "*", "a?b", "A", "é", "a/b", "", "ab\x1b[2J", "[!a]", "a\\", "\\*"])
PATTERNS = st.sampled_from(
    ["a", "a*", "*", "?", "[a]", "a[1]", "[!a]", "*b", "a/b", "A", "é", "\\*", "a?b", "*/*", "shop/*"]
) | NAMES.map(exactly)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """One engine for all examples."""
    engine = trail.connect(tmp_path_factory.mktemp("spill"))
    yield engine
    engine.close()


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Records of few names, so that filters meet them."""
    return made(
        draw(st.integers(0, 5)),
        gate=draw(NAMES),
        namespace=draw(NAMES),
        name=draw(NAMES),
        uid=draw(NAMES),
        webhook_pod=draw(NAMES),
        reason=draw(st.sampled_from([*Reason])),
        verdict=draw(st.sampled_from(["Deny", "Indeterminate", "Allow"])),
        mode=draw(st.sampled_from([*Mode])),
        standing=draw(st.sampled_from([*Standing, None])),
        dry_run=draw(st.booleans()),
        requester_pod=draw(NAMES | st.none()),
        requester_namespace=draw(NAMES | st.none()),
        requester_service_account=draw(NAMES | st.none()),
        resource=ResourceField(draw(NAMES), "v1", draw(NAMES), "status"),
    )


def some(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Mostly nothing, else one or two alternatives."""
    return st.just(()) | st.lists(values, min_size=1, max_size=2).map(tuple)


MOMENTS = st.none() | st.integers(-1, 6).map(lambda at: START + timedelta(seconds=at))
FILTERS = st.builds(
    Filter,
    since=MOMENTS,
    until=MOMENTS,
    gate=some(PATTERNS),
    pod=some(PATTERNS),
    account=some(PATTERNS),
    object=some(PATTERNS),
    resource=some(PATTERNS),
    uid=some(PATTERNS),
    webhook_pod=some(PATTERNS),
    reason=some(st.sampled_from([*Reason])),
    verdict=some(st.sampled_from(["Deny", "Indeterminate", "Allow"])),
    mode=some(st.sampled_from([*Mode])),
    standing=some(st.sampled_from([*Standing])),
    dry_run=st.none() | st.booleans(),
    routine=st.booleans(),
)


def like(text: str | None, pattern: str) -> bool:
    """``*`` is any signs, ``?`` is one, all else is itself, and these two after a backslash, and so is that itself."""
    if text is None:
        return False
    if not pattern:
        return not text
    if pattern[:2] in ("\\*", "\\?", "\\\\"):
        return text[:1] == pattern[1] and like(text[1:], pattern[2:])
    if pattern[0] == "*":
        return any(like(text[at:], pattern[1:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and like(text[1:], pattern[1:])


def among(patterns: tuple[str, ...], *texts: str | None) -> bool:
    """Whether nothing was asked for, or one of the patterns is like one of the texts."""
    return not patterns or any(like(text, pattern) for text in texts for pattern in patterns)


def asked_for(flt: Filter, one: Record) -> bool:
    """The model: what docs/review.md says of filters."""
    who = one.requester
    account = f"{who.namespace}/{who.service_account}" if None not in (who.namespace, who.service_account) else None
    thing = f"{one.namespace}/{one.name}" if one.namespace else one.name
    routine = (one.verdict, one.standing, one.reason) == ("Deny", "follower", "NotHolder")
    pod = f"{who.namespace}/{who.pod}" if None not in (who.namespace, who.pod) else None
    bare = tuple(pattern for pattern in flt.object if "/" not in pattern)
    return (
        (flt.since is None or one.time >= flt.since)
        and (flt.until is None or one.time < flt.until)
        and among(flt.gate, one.gate)
        and (not flt.pod or any(like(pod if "/" in pattern else who.pod, pattern) for pattern in flt.pod))
        and among(flt.account, account)
        and (among(flt.object, thing) or (bool(bare) and among(bare, one.name)))
        and among(flt.resource, f"{one.resource.resource}.{one.resource.group}")
        and among(flt.uid, one.uid)
        and among(flt.webhook_pod, one.webhook_pod)
        and (not flt.reason or one.reason in flt.reason)
        and (not flt.verdict or one.verdict in flt.verdict)
        and (not flt.mode or one.mode in flt.mode)
        and (not flt.standing or one.standing in flt.standing)
        and flt.dry_run in (None, one.dry_run)
        and (not routine or flt.routine or "follower" in flt.standing or bool(flt.uid))
    )


@settings(max_examples=50)
@given(st.lists(records(), min_size=1, max_size=8), FILTERS)
def test_the_sql_agrees_with_the_model(engine: duckdb.DuckDBPyConnection, given: list[Record], flt: Filter) -> None:
    """Over generated records and filters."""
    relation, where = trail.batch(written(*given).splitlines()), flt.where()
    rows = engine.execute(
        f"SELECT raw FROM {relation.sql} WHERE ok AND {where.sql}",  # noqa: S608
        [*relation.parameters, *where.parameters],
    ).fetchall()
    found = sorted(raw.encode() for (raw,) in rows)
    assert found == sorted(written(one).strip() for one in given if asked_for(flt, one))


def shape(kind: Any) -> Any:
    """What DuckDB is to be told of a type of the record."""
    kinds = [one for one in typing.get_args(kind) if one is not type(None)]
    inner = kinds[0] if kinds else kind
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        fields = msgspec.structs.fields(inner)
        return {field.encode_name: shape(field.type) for field in fields}
    return {str: "VARCHAR", bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", datetime: "TIMESTAMPTZ"}[inner]


def test_the_columns_are_those_of_the_record() -> None:
    """A field that the webhook writes and the review does not know would be lost in silence."""
    assert shape(Record) == NESTED
    assert set(NEEDED) <= NESTED.keys()
    names = [column.name for column in FLAT]
    assert len(set(names)) == len(names)


def test_faults_of_flags() -> None:
    """Each names the flag, the value, what was expected."""
    asked = {"since": ["soon"], "until": ["x"], "reason": ["Nope"], "mode": ["warn", "off"], "dry_run": ["maybe"]}
    _, faults = parse(asked, START, name=lambda field: f"--{field}")
    assert [(fault.field, fault.value) for fault in faults] == [
        ("--reason", "Nope"), ("--mode", "off"), ("--since", "soon"), ("--until", "x"), ("--dry_run", "maybe"),
    ]  # fmt: skip
    _, faults = parse({"since": ["2026-03-02"], "until": ["2026-03-01"]}, START, name=str)
    assert "is not before until" in str(faults[0])


def test_times() -> None:
    """RFC 3339, dates, and how long ago; UTC unless it says otherwise."""
    for text, moment in (
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T01:30:00", datetime(2026, 3, 1, 1, 30, tzinfo=UTC)),
        ("2026-03-01T01:30:00+01:00", datetime(2026, 3, 1, 0, 30, tzinfo=UTC)),
        ("90m", START - timedelta(minutes=90)),
    ):
        assert parse({"since": [text]}, START, name=str) == (Filter(since=moment), [])


def test_json_is_taken_apart_once(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """However many columns a condition names: it is what reading costs most."""
    (tmp_path / "a.jsonl").write_bytes(written(made()))
    relation = trail.files([tmp_path / "a.jsonl"], raw=True)
    where = Filter(gate=("a",), pod=("b",)).where()
    sql = f"EXPLAIN SELECT raw, gate, pod FROM {relation.sql} WHERE ok AND {where.sql}"  # noqa: S608
    plan = str(engine.execute(sql, [*relation.parameters, *where.parameters]).fetchall()).lower()
    # From the top: what is filtered is taken apart already.
    assert 0 <= plan.rfind("filter") < plan.find("unnest")


@given(NAMES, NAMES)
def test_a_text_can_be_asked_for_exactly(engine: duckdb.DuckDBPyConnection, text: str, other: str) -> None:
    """A name of a record, made a pattern, matches itself and nothing else."""
    where = Filter(gate=(exactly(text),), routine=True).where()
    sql = f"SELECT count(*) FROM (SELECT ? AS gate) WHERE {where.sql}"  # noqa: S608
    assert engine.execute(sql, [other, *where.parameters]).fetchall() == [(int(text == other),)]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("\\*", ["*"]),
        ("\\?", []),
        ("\\a", ["\\a"]),
        ("\\\\a", ["\\a"]),
        ("\\\\*", ["\\a"]),
        ("[*", ["[b"]),
        ("*", ["*", "[b", "\\a"]),
    ],
)
def test_only_star_and_question_mark_are_special(
    engine: duckdb.DuckDBPyConnection, pattern: str, found: list[str]
) -> None:
    """What DuckDB's own patterns take for more is itself in ours."""
    where = Filter(gate=(pattern,), routine=True).where()
    sql = f"SELECT gate FROM (SELECT unnest(?) AS gate) WHERE {where.sql} ORDER BY gate"  # noqa: S608
    assert [gate for (gate,) in engine.execute(sql, [["*", "[b", "\\a"], *where.parameters]).fetchall()] == found
