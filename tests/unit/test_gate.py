"""The grammar of a gate's path: what it means, and what is said of each fault."""

from __future__ import annotations

import itertools

import pytest

from leadergate.gate import FORM, UnknownGate, parse
from leadergate.model import DenialCode, Gate, IdentityKind, LeaseKey, Mode

LEASE = LeaseKey("shop", "operator")
BUSY = DenialCode.TOO_MANY_REQUESTS


@pytest.mark.parametrize(
    ("path", "gate"),
    [
        ("/enforce/shop/operator", Gate(Mode.ENFORCE, LEASE, "shop")),
        ("/warn/shop/operator", Gate(Mode.WARN, LEASE, "shop")),
        ("/audit/shop/operator", Gate(Mode.AUDIT, LEASE, "shop")),
        ("/enforce/shop/operator/from/other", Gate(Mode.ENFORCE, LEASE, "other")),
        ("/enforce/shop/operator/identity/pod", Gate(Mode.ENFORCE, LEASE, "shop")),
        ("/enforce/shop/operator/identity/node", Gate(Mode.ENFORCE, LEASE, "shop", IdentityKind.NODE)),
        ("/enforce/shop/operator/suffix/controller", Gate(Mode.ENFORCE, LEASE, "shop", suffix="controller")),
        ("/enforce/shop/operator/random/10", Gate(Mode.ENFORCE, LEASE, "shop", random=10)),
        ("/enforce/shop/operator/random/63", Gate(Mode.ENFORCE, LEASE, "shop", random=63)),
        ("/enforce/shop/operator/code/403", Gate(Mode.ENFORCE, LEASE, "shop")),
        ("/enforce/shop/operator/code/409", Gate(Mode.ENFORCE, LEASE, "shop", code=DenialCode.CONFLICT)),
        ("/enforce/shop/operator/code/422", Gate(Mode.ENFORCE, LEASE, "shop", code=DenialCode.INVALID)),
        ("/enforce/shop/operator/code/429", Gate(Mode.ENFORCE, LEASE, "shop", code=BUSY, retry_after=1)),
        (
            "/enforce/shop/operator/retry-after/60/code/429",
            Gate(Mode.ENFORCE, LEASE, "shop", code=BUSY, retry_after=60),
        ),
        ("/enforce/shop/a.b-c.d", Gate(Mode.ENFORCE, LeaseKey("shop", "a.b-c.d"), "shop")),
        ("/enforce/shop/from/from/other", Gate(Mode.ENFORCE, LeaseKey("shop", "from"), "other")),
        ("/enforce/0/9", Gate(Mode.ENFORCE, LeaseKey("0", "9"), "0")),
        (f"/enforce/shop/operator/suffix/{'s' * 253}", Gate(Mode.ENFORCE, LEASE, "shop", suffix="s" * 253)),
        (f"/enforce/{'n' * 63}/{'l' * 253}", Gate(Mode.ENFORCE, LeaseKey("n" * 63, "l" * 253), "n" * 63)),
    ],
)
def test_what_a_path_means(path: str, gate: Gate) -> None:
    """Mode, Lease and the optional pairs, with the defaults of those that are left out."""
    assert parse(path) == gate


@pytest.mark.parametrize("pairs", list(itertools.permutations(["from/other", "identity/node", "random/5"])))
def test_the_pairs_come_in_any_order(pairs: tuple[str, ...]) -> None:
    """Their order means nothing."""
    expected = Gate(Mode.WARN, LEASE, "other", IdentityKind.NODE, random=5)
    assert parse("/warn/shop/operator/" + "/".join(pairs)) == expected


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("", "path '' lacks a mode, a Lease's namespace or a Lease's name"),
        ("/", "path '/' lacks a mode, a Lease's namespace or a Lease's name"),
        ("/enforce/shop", "path '/enforce/shop' lacks a mode, a Lease's namespace or a Lease's name"),
        ("enforce/shop/operator", "path 'enforce/shop/operator' lacks a mode, a Lease's namespace or a Lease's name"),
        ("//enforce/shop/operator", "mode '' is not one of enforce, warn, audit"),
        ("/Enforce/shop/operator", "mode 'Enforce' is not one of enforce, warn, audit"),
        ("/deny/shop/operator", "mode 'deny' is not one of enforce, warn, audit"),
        ("/enforce//operator", "lease namespace '' is not a DNS-1123 label of at most 63 characters"),
        ("/enforce/sh_op/operator", "lease namespace 'sh_op' is not a DNS-1123 label of at most 63 characters"),
        ("/enforce/sh.op/operator", "lease namespace 'sh.op' is not a DNS-1123 label of at most 63 characters"),
        ("/enforce/shop\n/operator", r"lease namespace 'shop\n' is not a DNS-1123 label of at most 63 characters"),
        (f"/enforce/{'n' * 64}/x", f"lease namespace '{'n' * 64}' is not a DNS-1123 label of at most 63 characters"),
        ("/enforce/shop/", "lease name '' is not a DNS-1123 subdomain of at most 253 characters"),
        ("/enforce/shop/Operator", "lease name 'Operator' is not a DNS-1123 subdomain of at most 253 characters"),
        ("/enforce/shop/-a", "lease name '-a' is not a DNS-1123 subdomain of at most 253 characters"),
        ("/enforce/shop/a..b", "lease name 'a..b' is not a DNS-1123 subdomain of at most 253 characters"),
        ("/enforce/shop/..", "lease name '..' is not a DNS-1123 subdomain of at most 253 characters"),
        ("/enforce/shop/\u0663", "lease name '\u0663' is not a DNS-1123 subdomain of at most 253 characters"),
        (f"/warn/a/{'l' * 254}", f"lease name '{'l' * 254}' is not a DNS-1123 subdomain of at most 253 characters"),
        ("/enforce/shop/operator/", "option '' is not one of from, identity, suffix, random, code, retry-after"),
        ("/enforce/shop/operator/to/x", "option 'to' is not one of from, identity, suffix, random, code, retry-after"),
        ("/enforce/shop/operator/from", "option 'from' has no value"),
        ("/enforce/shop/operator/from/a/from/a", "option 'from' is given twice"),
        ("/enforce/shop/operator/from/", "from '' is not a DNS-1123 label of at most 63 characters"),
        ("/enforce/shop/operator/from/a.b", "from 'a.b' is not a DNS-1123 label of at most 63 characters"),
        ("/enforce/shop/operator/identity/host", "identity 'host' is not one of pod, node"),
        (
            "/enforce/shop/operator/suffix/X",
            "suffix 'X' is not made of at most 253 lower-case letters, digits, '-' and '.'",
        ),
        (
            "/enforce/shop/operator/suffix/",
            "suffix '' is not made of at most 253 lower-case letters, digits, '-' and '.'",
        ),
        (
            f"/enforce/shop/operator/suffix/{'x' * 254}",
            f"suffix '{'x' * 254}' is not made of at most 253 lower-case letters, digits, '-' and '.'",
        ),
        ("/enforce/shop/operator/random/0", "random '0' is not a count from 1 to 63"),
        ("/enforce/shop/operator/random/64", "random '64' is not a count from 1 to 63"),
        ("/enforce/shop/operator/random/-1", "random '-1' is not a count from 1 to 63"),
        ("/enforce/shop/operator/random/ten", "random 'ten' is not a count from 1 to 63"),
        ("/enforce/shop/operator/random/\u0665", "random '\u0665' is not a count from 1 to 63"),
        (f"/enforce/shop/operator/random/{'9' * 5000}", f"random '{'9' * 5000}' is not a count from 1 to 63"),
        ("/enforce/shop/operator/code/404", "code '404' is not one of 403, 409, 422, 429"),
        ("/enforce/shop/operator/code/0403", "code '0403' is not one of 403, 409, 422, 429"),
        ("/enforce/shop/operator/code/", "code '' is not one of 403, 409, 422, 429"),
        ("/enforce/shop/operator/retry-after/5", "'retry-after' goes only with code 429"),
        ("/enforce/shop/operator/code/409/retry-after/5", "'retry-after' goes only with code 429"),
        ("/enforce/shop/operator/code/429/retry-after/0", "retry-after '0' is not a number of seconds from 1 to 60"),
        ("/enforce/shop/operator/code/429/retry-after/61", "retry-after '61' is not a number of seconds from 1 to 60"),
        ("/enforce/shop/operator/code/429/retry-after/1s", "retry-after '1s' is not a number of seconds from 1 to 60"),
        ("/enforce/shop/operator/random/5/suffix/x", "'suffix' and 'random' exclude each other"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_each_fault_is_named(path: str, fault: str) -> None:
    """The message says which part is wrong, what was expected, and shows the whole form."""
    with pytest.raises(UnknownGate) as caught:
        parse(path)
    assert str(caught.value) == f"{fault}; a gate's path has the form {FORM}"
