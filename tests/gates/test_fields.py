"""Fields from a file and from flags: what a file may hold, and which of the two wins."""

from __future__ import annotations

from dataclasses import fields as fields_of

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadergate.gates.fields import BadFile, Fields, name_of, overridden, parse_file

WHOLE = """
lease: demo/operator-lock
resource: [redirects.v1.demo.leadergate.dev]
mode: warn
name: gate.demo.example
from: demo
identity: node
suffix: "7"
random: 3
code: 429
retry-after: 5
only-service-account: demo/operator
allow:
  - user:ann
  - group:ops
failure-policy: Ignore
timeout-seconds: 2
namespace: [demo, shop]
all-namespaces: false
service: sys/gate
url: https://gate.example.org
account: sys/gate
inject: sys
no-inject: false
"""


def test_a_file_has_every_field() -> None:
    """Each is called as its flag is; numbers may be plain, and a list of one may be a plain value."""
    found = parse_file(WHOLE)
    assert found == Fields(
        lease="demo/operator-lock",
        resource=("redirects.v1.demo.leadergate.dev",),
        mode="warn",
        name="gate.demo.example",
        from_="demo",
        identity="node",
        suffix="7",
        random="3",
        code="429",
        retry_after="5",
        only_service_account=("demo/operator",),
        allow=("user:ann", "group:ops"),
        failure_policy="Ignore",
        timeout_seconds="2",
        namespace=("demo", "shop"),
        service="sys/gate",
        url="https://gate.example.org",
        account="sys/gate",
        inject="sys",
    )
    for field in fields_of(Fields):
        assert f"\n{name_of(field.name)}:" in WHOLE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["is empty; expected fields such as 'lease: demo/operator-lock'"]),
        ("# nothing\n", ["is empty; expected fields such as 'lease: demo/operator-lock'"]),
        ("- lease", ["is no mapping of fields to values"]),
        ("lease", ["is no mapping of fields to values"]),
        ("lease: [", ["is not YAML: line 1, column 9"]),
        ("lease: a\n\tmode: b", ["is not YAML: line 2, column 1"]),
        ("a: 1\n---\nb: 2", ["is not YAML: line 2, column 1"]),
        ("lease: !!python/object:os.system x", ["is not YAML: line 1, column 8"]),
        ("lease: 2020-13-45", ["is not YAML: a value is not what it looks like (month must be in 1..12)"]),
        ("lease: !!timestamp x", ["is not YAML: a value is not what it looks like"]),
        ("lease: !!bool x", ["is not YAML: a value is not what it looks like"]),
        ("lease: !!int ''", ["is not YAML: a value is not what it looks like"]),
        ("code: " + "9" * 5000, ["is not YAML: a value is not what it looks like (Exceeds the limit"]),
        ("lease: a\x00b", ["is not YAML: unacceptable character"]),
        ("? [a]\n: b", ["is not YAML"]),
        ("lease: &a [*a]", ["is not YAML: line 1, column 8: found unconstructable recursive node"]),
        ("[" * 5000, ["is not YAML: nested too deeply"]),
        ("lease: a/b\nlease: c/d", ["lease is given twice, on lines 1 and 2"]),
        ("leese: a/b", ["field 'leese' is unknown; the nearest is 'lease'"]),
        ("caBundle: x", ["field 'caBundle' is unknown; the fields are lease, resource"]),
        ("1: x", ["field '1' is unknown"]),
        ("timeoutSeconds: 3", ["field 'timeoutSeconds' is unknown; the nearest is 'timeout-seconds'"]),
        ("lease:", ["lease: has no value; give one, or leave the line out"]),
        ("lease: 7", ["lease: expected text, not 7; put it into quotes"]),
        ("lease: [a/b]", ["lease: expected text, not a list"]),
        ("lease: {a: b}", ["lease: expected text, not a mapping"]),
        ("suffix: 7", ["suffix: expected text, not 7; put it into quotes"]),
        ("suffix: yes", ["suffix: expected text, not true; put it into quotes"]),
        ("code: true", ["code: expected a whole number, not true"]),
        ("code: 4.5", ["code: expected a whole number, not 4.5"]),
        ("resource: {a: b}", ["resource: expected text or a list of texts, not a mapping"]),
        ("resource: [a, 7]", ["resource: expected text or a list of texts, not 7 in it"]),
        ("resource: [[a]]", ["resource: expected text or a list of texts, not a list in it"]),
        ("all-namespaces: 1", ["all-namespaces: expected true or false, not 1"]),
        ("all-namespaces: 'true'", ["all-namespaces: expected true or false, not 'true'"]),
        ("lease: 7\nmoda: x\nallow: 3", ["lease: expected text", "field 'moda' is unknown", "allow: expected text or"]),
    ],
)
def test_what_a_file_may_not_hold(text: str, said: list[str]) -> None:
    """All faults at once, each in words."""
    with pytest.raises(BadFile) as caught:
        parse_file(text)
    assert len(caught.value.faults) == len(said)
    for fault, part in zip(caught.value.faults, said, strict=True):
        assert part in fault
        assert "\n" not in fault


def parsed(text: str) -> tuple[Fields | None, list[str]]:
    """The fields, or what is said of the text; any error but our own fails the test."""
    try:
        return parse_file(text), []
    except BadFile as bad:
        return None, bad.faults


marks = st.sampled_from(["lease", "code", ": ", "\n", "- ", "[", "]", "{", "}", "&a ", "*a", "!!int ", "!!map ", "<<"])


@given(st.lists(marks | st.text(max_size=2), max_size=12).map("".join))
def test_any_text_holds_fields_or_is_refused(text: str) -> None:
    """Nothing else is raised, whatever YAML makes of it."""
    found, faults = parsed(text)
    assert (found is None) == bool(faults)
    assert not any("\n" in fault for fault in faults)


def test_flags_win() -> None:
    """A flag that is given replaces the file's value, a list as a whole; the others stay."""
    file = Fields(lease="a/b", resource=("r", "s"), mode="warn", allow=("user:ann",))
    flags = Fields(mode="enforce", allow=("user:bob",))
    assert overridden(file, flags) == Fields(lease="a/b", resource=("r", "s"), mode="enforce", allow=("user:bob",))


@pytest.mark.parametrize(
    ("file", "flags"),
    [
        (Fields(suffix="a"), Fields(random="3")),
        (Fields(random="3"), Fields(suffix="a")),
        (Fields(service="a/b"), Fields(url="https://h")),
        (Fields(url="https://h"), Fields(service="a/b")),
        (Fields(namespace=("a",)), Fields(all_namespaces=True)),
        (Fields(all_namespaces=True), Fields(namespace=("a",))),
        (Fields(inject="a"), Fields(no_inject=True)),
        (Fields(no_inject=True), Fields(inject="a")),
    ],
)
def test_a_flag_displaces_what_it_excludes(file: Fields, flags: Fields) -> None:
    """Or a file could not be overridden in these points."""
    assert overridden(file, flags) == flags
