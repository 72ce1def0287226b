"""Reading one field at a time. Each function adds to ``faults`` what is wrong, and returns what it could read."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from leadergate.gate import is_label, is_subdomain
from leadergate.gates import refusals
from leadergate.gates.fields import Fields
from leadergate.gates.refusals import Fault
from leadergate.gates.spec import Account, FailurePolicy, Service, StatusResource

MAX_TIMEOUT = 10
"""Seconds. Kubernetes takes up to 30, and each status write would wait as long while the webhook is gone."""

# As Kubernetes orders them (apimachinery: util/version); other names of versions are legal and unheard of.
_VERSION = re.compile(r"v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?")
_FORM = ": expected RESOURCE.VERSION.GROUP, such as redirects.v1.demo.leadergate.dev"
_SUBJECTS = ": expected user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME"


def resource(text: str) -> tuple[StatusResource | None, list[Fault]]:
    """The resource that a text names in kubectl's long form."""
    if found := refusals.wildcard(text):
        return None, found
    if text.endswith("/status") or "/status." in text:
        return None, [Fault("resource", text, _FORM, "leave '/status' out, it is what a gate is about")]
    plural, _, rest = text.partition(".")
    version, _, group = rest.partition(".")
    if is_label(plural) and _VERSION.fullmatch(version) and "." not in text.removeprefix(f"{plural}.{version}"):
        return None, refusals.core(text)
    if is_label(plural) and is_subdomain(group):
        if _VERSION.fullmatch(version):
            return StatusResource(plural, version, group), []
        why = f": the second part, {version!r}, is no version such as v1 or v1beta1"
        return None, [Fault("resource", text, why, "write RESOURCE.VERSION.GROUP: kubectl explain shows the version")]
    return None, [Fault("resource", text, _FORM, "see name and APIVERSION in kubectl api-resources")]


def account(field: str, text: str, faults: list[Fault]) -> Account | None:
    """A service account as NAMESPACE/NAME."""
    namespace, _, name = text.partition("/")
    if is_label(namespace) and is_subdomain(name):
        return Account(namespace, name)
    faults.append(Fault(field, text, ": expected NAMESPACE/NAME of a service account", "see kubectl get sa -A"))
    return None


def subject(text: str, faults: list[Fault]) -> tuple[str, str]:
    """Who may write anyway: ``user`` or ``group``, and the name. A service account is the user that it is."""
    kind, _, name = text.partition(":")
    if not _encodable(text):
        faults.append(Fault("allow", text, ": expected text in UTF-8", "mend the terminal's or the file's encoding"))
        return "", ""
    if kind in ("user", "group") and name:
        return kind, name
    if kind == "serviceaccount":
        namespace, _, own = name.partition("/")
        if is_label(namespace) and is_subdomain(own):
            return "user", Account(namespace, own).username
    faults.append(Fault("allow", text, _SUBJECTS, "kubectl auth whoami shows the user and the groups of somebody"))
    return "", ""


def failure_policy(text: str | None, usual: FailurePolicy, faults: list[Fault]) -> FailurePolicy:
    """Fail or Ignore, as Kubernetes writes them."""
    if text is None:
        return usual
    try:
        return FailurePolicy(text)
    except ValueError:
        why = ": expected Fail or Ignore"
        remedy = "Fail refuses writes while the webhook is gone, Ignore lets stale leaders through"
        faults.append(Fault("failure-policy", text, why, remedy))
        return usual


def timeout(text: str | None, usual: int, faults: list[Fault]) -> int:
    """Whole seconds."""
    if text is None:
        return usual
    if text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= MAX_TIMEOUT:
        return int(text)
    why = f": expected whole seconds from 1 to {MAX_TIMEOUT}"
    faults.append(Fault("timeout-seconds", text, why, f"{usual} is longer than a Lease read takes"))
    return usual


def name(text: str, remedy: str, faults: list[Fault]) -> str:
    """A webhook's name (apiserver: validation of admissionregistration, "fully qualified")."""
    if not is_subdomain(text) or text.count(".") < 2:
        why = ": expected a DNS-1123 subdomain of three labels or more, at most 253 characters"
        faults.append(Fault("name", text, why, remedy))
    return text


def target(fields: Fields, usual: Service, faults: list[Fault]) -> Service | str | None:
    """Where the API server finds the webhook: a Service, or a URL without a path."""
    if fields.url is not None:
        if fields.service is not None:
            faults.append(Fault("url", fields.url, ": excludes service", "leave one of the two out"))
        elif not _is_base(fields.url):
            why = ": expected https://HOST[:PORT] and nothing after it"
            faults.append(Fault("url", fields.url, why, "the path is made of the other fields"))
        return fields.url.removesuffix("/")
    if fields.service is None:
        return usual
    namespace, _, rest = fields.service.partition("/")
    service, colon, port = rest.partition(":")
    number = _port(port) if colon else usual.port
    if is_label(namespace) and is_label(service) and number:
        return Service(namespace, service, number)
    why = ": expected NAMESPACE/NAME or NAMESPACE/NAME:PORT"
    faults.append(Fault("service", fields.service, why, "name the Service in front of leadergate serve"))
    return None


def _port(text: str) -> int:
    """The port's number, 0 when it is none."""
    fit = text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 65536
    return int(text) if fit else 0


def _is_base(url: str) -> bool:
    """What the API server takes (no user, query or fragment), less a path."""
    try:
        split = urlsplit(url)
        fit = split.scheme == "https" and bool(split.hostname) and split.port != 0
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not any(sign in url for sign in ' ?#@\\"<>')
    return fit and plain and split.path in ("", "/")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
