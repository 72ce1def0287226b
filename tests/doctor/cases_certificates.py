"""What may be wrong with certificates and caBundles."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from leadergate.survey.parts import Known
from leadergate_certs.cluster import LABEL, Stored

from .made import (
    EXPIRED,
    FOREIGN,
    LATE,
    MISNAMED,
    UNSEEN,
    URL,
    Case,
    by_url,
    serving,
)
from .sample import (
    NAME,
    NOW,
    PAIR,
    STATE,
    STRANGER,
    gated,
    placed,
    snapshot,
)

CASES: list[Case] = [
    ("tls", "wrong", serving(FOREIGN.certificate), "which is not in the caBundle", f"certs inject --name {NAME}"),
    (
        "tls",
        "wrong",
        serving(PAIR.certificate, EXPIRED.certificate),
        "10.0.0.1:10250 serves expired at",
        "certs rotate",
    ),
    (
        "tls",
        "wrong",
        serving(MISNAMED.certificate),
        "is for gate.example.org, not for leadergate.leadergate-system.svc",
        "--certs-service=leadergate",
    ),
    ("tls", "wrong", replace(by_url(serves=MISNAMED.certificate)), "not for 127.0.0.1", "--certs-names=127.0.0.1"),
    ("tls", "wrong", serving(PAIR.certificate, None), "10.0.0.1:10250 showed no certificate", "get pods"),
    (
        "tls",
        "wrong",
        serving(None, gates=(placed(ca_bundle=STRANGER.certificate_pem),)),
        "the leaf in Secret leadergate-system/leadergate-tls (no address was reached from here)",
        "certs inject",
    ),
    ("tls", "unknown", serving(None, stored=UNSEEN), "no address was reached from here", "inside the cluster"),
    (
        "tls",
        "unknown",
        serving(None, stored=Known(Stored(None, "there is no such Secret", None))),
        "no such Secret",
        "inside the cluster",
    ),
    ("certificate-expiry", "note", serving(LATE.certificate), "should have been renewed", "certs rotate"),
    ("certificate-expiry", "wrong", serving(EXPIRED.certificate), "expired at", "certs rotate"),
    ("certificate-expiry", "unknown", serving(None, stored=UNSEEN), "can-i get things", "--secret"),
    (
        "ca-bundle",
        "wrong",
        gated(ca_bundle=b""),
        "is empty",
        f"certs inject --name {NAME} --secret leadergate-system/leadergate-tls",
    ),
    ("ca-bundle", "wrong", gated(ca_bundle=b"junk"), "nothing that is a certificate", "certs inject"),
    (
        "ca-bundle",
        "wrong",
        gated(ca_bundle=STRANGER.certificate_pem),
        "does not trust the authority in use",
        "certs inject",
    ),
    ("ca-bundle", "note", gated(ca_bundle=b"", target=URL, inject=None), "of its own machine", "certs inject"),
    (
        "ca-bundle",
        "note",
        snapshot(stored=Known(Stored(STATE.with_authority(STRANGER), "", {}))),
        "lacks the next authority",
        "certs inject",
    ),
    (
        "ca-bundle",
        "note",
        snapshot(stored=Known(Stored(None, "there is no such Secret", None))),
        "no such Secret",
        "--secret",
    ),
    ("ca-bundle", "unknown", snapshot(stored=UNSEEN), "is not known", ""),
    (
        "ca-bundle",
        "wrong",
        snapshot(now=NOW + timedelta(days=9999)),
        "has expired",
        "certs rotate --secret leadergate-system/leadergate-tls --ca",
    ),
    (
        "ca-bundle",
        "note",
        gated(target=URL, inject=None, ca_bundle=STRANGER.certificate_pem),
        "nothing tells that",
        "--secret",
    ),
    (
        "injection-label",
        "note",
        gated(target=URL, inject=None, ca_bundle=STRANGER.certificate_pem),
        "somebody else",
        "",
    ),
    ("injection-label", "wrong", gated(target=URL, inject=None), "the next rotation", "kubectl label"),
    (
        "injection-label",
        "wrong",
        gated(inject=None),
        "the next rotation",
        f"kubectl label --overwrite validatingwebhookconfiguration {NAME} {LABEL}=leadergate-system",
    ),
    ("injection-label", "wrong", gated(inject="elsewhere"), "names namespace elsewhere", "kubectl label"),
    (
        "injection-label",
        "note",
        snapshot(gates=(placed(inject=None),), stored=Known(Stored(None, "gone", None))),
        "somebody else",
        "",
    ),
]
