"""Gates of every form, drawn at random."""

from __future__ import annotations

from hypothesis import strategies as st

from leadergate.model import DenialCode, Gate, IdentityKind, LeaseKey, Mode


def gates(labels: st.SearchStrategy[str], subdomains: st.SearchStrategy[str]) -> st.SearchStrategy[Gate]:
    """Gates whose namespaces are ``labels``, and whose Leases and suffixes are ``subdomains``."""
    forms = st.one_of(st.just((None, None)), st.tuples(subdomains, st.none()), st.tuples(st.none(), st.integers(1, 63)))
    denials = st.one_of(
        st.tuples(st.sampled_from([code for code in DenialCode if code != 429]), st.none()),
        st.tuples(st.just(DenialCode.TOO_MANY_REQUESTS), st.integers(1, 60)),
    )
    return st.builds(
        lambda mode, lease, origin, identity, form, denial: Gate(
            mode, lease, origin or lease.namespace, identity, *form, *denial
        ),
        st.sampled_from(Mode),
        st.builds(LeaseKey, labels, subdomains),
        st.none() | labels,
        st.sampled_from(IdentityKind),
        forms,
        denials,
    )
