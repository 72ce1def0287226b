"""Which names a serving certificate may carry, and what the others are told."""

from __future__ import annotations

import ipaddress

import pytest

from leadergate_certs.names import IssueError, ServingNames, service_names


def test_service_names() -> None:
    """A Service is called by its short name and by the one with the cluster's domain."""
    assert service_names("gate", "system") == ("gate.system.svc", "gate.system.svc.cluster.local")


def test_order_case_and_duplicates() -> None:
    """Services come first, DNS names are folded, and what was given twice is kept once."""
    names = ServingNames.parse(
        dns=["B.example.org", "a.example.org", "b.EXAMPLE.org", "s.n.svc"],
        ips=["::1", "127.0.0.1", "0:0:0:0:0:0:0:1"],
        services=[("s", "n")],
    )
    assert names.dns == ("s.n.svc", "s.n.svc.cluster.local", "b.example.org", "a.example.org")
    assert names.addresses == (ipaddress.ip_address("::1"), ipaddress.ip_address("127.0.0.1"))
    assert names.first == "s.n.svc"
    assert ServingNames.parse(ips=["::1"]).first == "::1"


@pytest.mark.parametrize("name", ["localhost", "a.b", "xn--bcher-kva.example", "1a.example", f"{'a' * 63}.b"])
def test_good_dns_names(name: str) -> None:
    """Host names of one label or more pass as they are."""
    assert ServingNames.parse(dns=[name]).dns == (name,)


@pytest.mark.parametrize(
    "name",
    ["", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "*.a.b", "a b", "bücher.example", "https://a", "a:443",
     f"{'a' * 64}.b", ".".join(["abcdefg"] * 32), "a\n", "a\x00.b"],
)  # fmt: skip
def test_bad_dns_names(name: str) -> None:
    """What is no DNS name is refused, with the name shown."""
    with pytest.raises(IssueError, match=r"dns: .* is not a DNS name; expected") as caught:
        ServingNames.parse(dns=[name])
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["127.0.0.1", "::1"])
def test_address_given_as_dns_name(name: str) -> None:
    """An address among the DNS names is refused and sent to its place, since clients would not match it."""
    with pytest.raises(IssueError, match=f"dns: '{name}' is an IP address; give it as an IP"):
        ServingNames.parse(dns=[name])


@pytest.mark.parametrize("ip", ["", "localhost", "1.2.3", "1.2.3.256", "10.0.0.0/8", "fe80::1%eth0", "::1 "])
def test_bad_addresses(ip: str) -> None:
    """What is no address of every machine is refused, with the text shown."""
    with pytest.raises(IssueError, match=r"ip: .* is not an IP address; expected") as caught:
        ServingNames.parse(ips=[ip])
    assert repr(ip) in str(caught.value)


@pytest.mark.parametrize(
    ("service", "namespace", "message"),
    [
        ("", "n", "service: '' is not a DNS label"),
        ("a.b", "n", "service: 'a.b' is not a DNS label"),
        ("Gate", "n", "service: 'Gate' is not a DNS label"),
        ("s", "", "namespace: '' is not a DNS label"),
        ("s", "x" * 64, "namespace: 'x+' is not a DNS label"),
    ],
)
def test_bad_services(service: str, namespace: str, message: str) -> None:
    """A Service or namespace that Kubernetes would not take is refused, by field."""
    with pytest.raises(IssueError, match=message):
        ServingNames.parse(services=[(service, namespace)])


def test_no_names() -> None:
    """A certificate for nobody is refused."""
    with pytest.raises(IssueError, match="names: none given"):
        ServingNames.parse()
