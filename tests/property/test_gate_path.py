"""A gate's path: what is written is what is read, and any other text is refused in words."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from leadergate.gate import FORM, UnknownGate, parse
from leadergate.model import DenialCode, Gate, IdentityKind

from .drawn_gates import gates

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
subdomains = st.lists(labels, min_size=1, max_size=4).map(".".join).filter(lambda name: len(name) <= 253)
every_gate = gates(labels, subdomains)
OPTIONS = ["from", "identity", "suffix", "random", "code", "retry-after"]


def written(gate: Gate, order: list[str], *, in_full: bool) -> str:
    """The path of a gate, with its pairs in this order; defaults are written out only ``in_full``."""
    pairs = {
        "from": gate.from_namespace if in_full or gate.from_namespace != gate.lease.namespace else None,
        "identity": gate.identity if in_full or gate.identity is not IdentityKind.POD else None,
        "suffix": gate.suffix,
        "random": gate.random,
        "code": gate.code.value if in_full or gate.code is not DenialCode.FORBIDDEN else None,
        "retry-after": gate.retry_after if in_full or gate.retry_after != 1 else None,
    }
    path = f"/{gate.mode}/{gate.lease}"
    return path + "".join(f"/{name}/{pairs[name]}" for name in order if pairs[name] is not None)


@given(every_gate, st.permutations(OPTIONS), st.booleans())
def test_a_gate_round_trips(gate: Gate, order: list[str], in_full: bool) -> None:
    """Whatever the order of its pairs, and whether defaults are written out."""
    assert parse(written(gate, order, in_full=in_full)) == gate


def parsed(path: str) -> tuple[Gate | None, str]:
    """The gate, or what is said of the path; any error but our own fails the test."""
    try:
        return parse(path), ""
    except UnknownGate as fault:
        return None, str(fault)


words = [
    "enforce",
    "warn",
    "audit",
    "from",
    "identity",
    "suffix",
    "random",
    "code",
    "429",
    "retry-after",
    "pod",
    "node",
    "a",
    "5",
    "-",
    "",
    "A",
    "\u0663",
]
paths = st.text(max_size=40) | st.lists(st.sampled_from(words) | st.text(max_size=3), max_size=10).map("/".join)


@given(paths.map(lambda path: "/" + path) | paths)
@example("/enforce/a/" + "a-" * 100_000)
@example("/enforce/a/" + "a." * 100_000)
@example("/enforce/a/a/suffix/" + "a-" * 100_000)
@example("/enforce/a/a/random/" + "9" * 100_000)
def test_any_other_text_is_refused_in_words(path: str) -> None:
    """The error is our own, shows the form, and what is accepted is what it says."""
    gate, fault = parsed(path)
    if gate is None:
        assert fault.endswith(FORM)
    else:
        assert path.startswith(f"/{gate.mode}/{gate.lease}")
        assert parse(written(gate, OPTIONS, in_full=True)) == gate
