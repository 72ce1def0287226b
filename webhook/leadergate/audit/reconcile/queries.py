"""What findings are made of: queries of ``rejected``, ``review``, ``call``, ``ours``, ``named``, ``judged_log``. Pure.

``reconcile_sql`` makes those tables, and runs these. Each request is a stretch of time, ``received`` to ``ended``, in
microseconds; ``made`` is when a record was made.
"""

from __future__ import annotations

from leadergate.audit.reconcile.findings import SECOND, Finding

_BUCKET = 10 * SECOND


def _unlike(*columns: tuple[str, str, str, str]) -> str:
    """Where record and audit log differ, as text; else empty. Of each: name, condition, record's, log's."""
    parts = [
        f"CASE WHEN {condition} AND {ours} IS DISTINCT FROM {theirs} THEN '{name}: record '"
        f" || coalesce({ours}, 'none') || ', audit log ' || coalesce({theirs}, 'none') END"
        for name, condition, ours, theirs in columns
    ]
    return f"concat_ws('; ', {', '.join(parts)})"


# A later review of the same write fills in annotations that the first one had none of: those are not compared.
_ANNOTATED = _unlike(
    ("verdict", "true", "r.verdict", "a.verdict"),
    ("reason", "true", "r.reason", "a.reason"),
    ("mode", "true", "r.mode", "a.mode"),
    ("lease", "true", "r.gate", "a.gate"),
    ("standing", "r.standing IS NOT NULL", "r.standing", "a.standing"),
    ("holder", "r.holder IS NOT NULL", "r.holder", "a.holder"),
    ("lease-resource-version", "r.holder IS NOT NULL", "r.lease_resource_version", "a.lease_resource_version"),
    ("user", "true", "r.username", "a.username"),
    ("object", "true", "r.object", "a.object"),
)
_ANSWERED = _unlike(
    ("verdict", "true", "r.verdict", "'Deny'"),
    ("reason", "true", "r.reason", "a.answered_reason"),
    ("lease", "true", "r.gate", "a.gate"),
    ("user", "true", "r.username", "a.username"),
    ("object", "true", "r.object", "a.object"),
)

PAIR = f"""
    SELECT r.id, r.made, a.uid, a.webhook, a.received, a.ended, false AS again, {_ANNOTATED} AS what,
        a.file || ':' || a.line AS source
    FROM rejected r JOIN review a ON a.uid = r.uid
    UNION ALL
    SELECT r.id, r.made, a.uid, a.webhook, a.received, a.ended, true, {_ANSWERED}, a.file || ':' || a.line
    FROM rejected r JOIN review a ON a.answered = r.uid AND a.answered <> a.uid
"""
_BEST = """
    SELECT id, bool_or(what = '' AND NOT again) AS same, bool_or(what = '' AND again) AS same_again,
        any_value(uid) AS uid, any_value(webhook) AS webhook, any_value(source) AS source, max(what) AS what
    FROM pair GROUP BY id
"""
_SOUND = "SELECT uid, min(id) AS id FROM pair WHERE what = '' AND NOT again GROUP BY uid"
_AGREED = "SELECT s.id FROM sound s JOIN rejected r USING (id) WHERE r.made >= $since AND r.made < $until"
_UNPAIRED = f"SELECT *, made // {_BUCKET} AS bucket FROM rejected WHERE id NOT IN (SELECT id FROM pair)"

# Requests by user, object and time: in slices of time, so that the join has something to be equal in. ``how`` begins
# with a digit by which the likeliest explanation comes first.
_HAPPENED = f"""
    SELECT *, unnest(range((received - $slack) // {_BUCKET}, (ended + $slack) // {_BUCKET} + 1)) AS bucket
    FROM (
        SELECT username, object, received, ended, gate, mode, '0 again' AS how, file || ':' || line AS source
        FROM review WHERE answered IS NULL
        UNION ALL
        SELECT username, object, received, ended, NULL, NULL, '3 rejected', file || ':' || line FROM review
        WHERE code >= 400
        UNION ALL
        SELECT c.username, c.object, c.received, c.ended, o.gate, NULL,
            CASE c.ending WHEN 'failed-open' THEN '1 failed open' WHEN 'refused' THEN '2 refused' ELSE '3 rejected' END,
            c.file || ':' || c.line
        FROM call c LEFT JOIN (SELECT DISTINCT webhook, gate FROM ours) o ON o.webhook = c.webhook
        WHERE c.ending = 'denied' OR c.webhook IN (FROM named) OR NOT EXISTS (FROM named))
"""
_EXPLAINED = """
    SELECT r.id, min(h.how) AS how, arg_min(h.source, {
        'how': h.how, 'off': greatest(h.received - r.made, r.made - h.ended, 0), 'took': h.ended - h.received
    }) AS source
    FROM unpaired r JOIN happened h ON h.bucket = r.bucket AND h.username = r.username AND h.object = r.object
        AND r.made BETWEEN h.received - $slack AND h.ended + $slack
        AND CASE h.how
            WHEN '0 again' THEN h.gate = r.gate AND h.mode = r.mode
            WHEN '3 rejected' THEN r.verdict = 'Indeterminate' AND r.mode = 'enforce'
            ELSE h.gate IS NULL OR h.gate = r.gate END
    GROUP BY r.id
"""

_RECORD = (
    "r.made AS time, r.gate, r.mode, r.verdict, r.reason, r.standing, r.pod, r.username, r.resource, r.object, r.uid"
)
_WITHIN = f"""CASE WHEN a.received >= $records_first AND a.ended < $records_last
    THEN '{Finding.ONLY_LOG}' ELSE '{Finding.OUTSIDE_RECORDS}' END"""
_PAIRED = f"""
    SELECT
        CASE
            WHEN b.same OR b.same_again THEN '{Finding.AGAIN}'
            WHEN r.verdict = 'Indeterminate' AND s.id IS NOT NULL THEN '{Finding.UNHEARD}'
            ELSE '{Finding.DIFFERING}'
        END AS kind,
        {_RECORD}, b.webhook, NULL::BIGINT AS code,
        CASE
            WHEN b.same THEN 'another record of the same review'
            WHEN b.same_again THEN 'the answer names it; the audit line names ' || b.uid
            WHEN r.verdict = 'Indeterminate' AND s.id IS NOT NULL THEN 'the API server asked again under the same uid'
            ELSE b.what
        END AS what,
        b.source
    FROM rejected r JOIN best b USING (id) LEFT JOIN sound s ON s.uid = r.uid
    WHERE r.made >= $since AND r.made < $until AND r.id IS DISTINCT FROM s.id
"""
_ALONE = f"""
    SELECT
        CASE
            WHEN e.how = '0 again' THEN '{Finding.AGAIN}'
            WHEN e.how IS NOT NULL THEN '{Finding.UNHEARD}'
            WHEN EXISTS (FROM judged_log l WHERE r.made >= l.first AND r.made < l.last) THEN '{Finding.ONLY_RECORDS}'
            WHEN r.made >= $log_last THEN '{Finding.NOT_YET}'
            ELSE '{Finding.OUTSIDE_LOG}'
        END,
        {_RECORD}, NULL, NULL,
        CASE e.how
            WHEN '0 again' THEN 'fits that request in user, object and time'
            WHEN '1 failed open' THEN 'the call failed open'
            WHEN '2 refused' THEN 'the call failed, and the write was refused'
            WHEN '3 rejected' THEN 'another webhook rejected the write'
            ELSE ''
        END,
        coalesce(e.source, r.file)
    FROM unpaired r LEFT JOIN explained e USING (id)
    WHERE r.made >= $since AND r.made < $until
"""
_LOGGED = f"""
    SELECT {_WITHIN}, a.received, a.gate, a.mode, a.verdict, a.reason, a.standing, a.pod, a.username, a.resource,
        a.object, a.uid, a.webhook, a.code, '', a.file || ':' || a.line
    FROM review a
    WHERE a.received >= $since AND a.received < $until AND a.uid NOT IN (SELECT uid FROM rejected)
    UNION ALL
    SELECT {_WITHIN}, a.received, a.gate, a.mode, 'Deny', a.answered_reason, NULL, a.pod, a.username, a.resource,
        a.object, a.answered, a.webhook, a.code, 'the last review of its write, which the answer names',
        a.file || ':' || a.line
    FROM review a
    WHERE a.answered <> a.uid AND a.received >= $since AND a.received < $until
        AND a.answered NOT IN (SELECT uid FROM rejected)
"""
_FAILED = f"""
    SELECT
        CASE c.ending WHEN 'failed-open' THEN '{Finding.FAILED_OPEN}' ELSE '{Finding.REFUSED}' END,
        c.received, o.gate, o.mode, NULL, NULL, NULL, c.pod, c.username, c.resource, c.object, NULL, c.webhook, c.code,
        c.why, c.file || ':' || c.line
    FROM call c LEFT JOIN (SELECT webhook, min(gate) AS gate, min(mode) AS mode FROM ours GROUP BY webhook) o
        ON o.webhook = c.webhook
    WHERE c.ending <> 'denied' AND c.webhook IN (FROM named) AND c.received >= $since AND c.received < $until
"""
TABLES = (
    ("best", _BEST),
    ("sound", _SOUND),
    ("agreed", _AGREED),
    ("unpaired", _UNPAIRED),
    ("happened", _HAPPENED),
    ("explained", _EXPLAINED),
    ("finding", f"{_PAIRED} UNION ALL {_ALONE} UNION ALL {_LOGGED} UNION ALL {_FAILED}"),
)
"""By name; each made of ``pair`` and of those before it."""
