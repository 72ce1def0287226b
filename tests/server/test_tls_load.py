"""Which pairs of files are served, and what is said of the others."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from tests.server.conftest import Observed

from leadergate.tls import CertificateFault, ServingCertificate
from leadergate.tls_pair import PairBytes
from leadergate_certs.issue import KeyAlgorithm, ServingPair, issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames

NOW = datetime.now(UTC).replace(microsecond=0)
AUTHORITY = issue_authority(NOW - timedelta(days=400))
NAMES = ServingNames.parse(dns=["localhost"], ips=["127.0.0.1"])
PAIR = issue_serving_pair(AUTHORITY, NAMES, NOW)
OTHER = issue_serving_pair(AUTHORITY, NAMES, NOW, lifetime=timedelta(days=91))


class Files:
    """A folder with tls.crt and tls.key, rewritten in place."""

    def __init__(self, directory: Path) -> None:
        self.cert = directory / "tls.crt"
        self.key = directory / "tls.key"
        self.observed = Observed()
        self.write(PAIR)

    def write(self, pair: ServingPair) -> None:
        """Write a matching pair."""
        self.cert.write_bytes(pair.certificate_pem)
        self.key.write_bytes(pair.key_pem)

    def load(self, clock: Callable[[], datetime] = lambda: NOW) -> ServingCertificate:
        """Load them as a starting server does."""
        return ServingCertificate.load(self.cert, self.key, observer=self.observed, clock=clock)


@pytest.fixture(name="files")
def good_files(tmp_path: Path) -> Files:
    """Files that hold PAIR."""
    return Files(tmp_path)


def absent(file: Path) -> None:
    """Remove a file."""
    file.unlink()


def folder(file: Path) -> None:
    """Put a folder in a file's place, which nobody can read as a file, not even root."""
    file.unlink()
    file.mkdir()


def encrypted(file: Path) -> None:
    """Write PAIR's key with a password."""
    form = (Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
    file.write_bytes(PAIR.key.private_bytes(*form))


def expired(file: Path) -> None:
    """Write a pair that expired a day ago."""
    old = issue_serving_pair(AUTHORITY, NAMES, NOW - timedelta(days=8), lifetime=timedelta(days=7))
    Files(file.parent).write(old)


def future(file: Path) -> None:
    """Write a pair that begins in an hour."""
    Files(file.parent).write(issue_serving_pair(AUTHORITY, NAMES, NOW + timedelta(hours=1), backdate=timedelta(0)))


def weak(file: Path) -> None:
    """Write a pair whose key OpenSSL finds too small."""

    class Weak:
        def generate(self) -> rsa.RSAPrivateKey:
            return rsa.generate_private_key(65537, 1024)  # noqa: S505  (what must be refused)

    # The issuer offers no such key, so one is slipped in.
    Files(file.parent).write(issue_serving_pair(AUTHORITY, NAMES, NOW, algorithm=Weak()))  # type: ignore[arg-type]


def content(content: bytes) -> Callable[[Path], None]:
    """Write these bytes."""

    def spoil(file: Path) -> None:
        file.write_bytes(content)

    return spoil


def of_version_two(pem: bytes) -> bytes:
    """A certificate of X.509 version 2, which nobody issues: parsers refuse it in ways of their own."""
    der = pem_to_der(pem).replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020101"), 1)
    return der_to_pem(der)


def pem_to_der(pem: bytes) -> bytes:
    """The DER in a PEM block."""
    return ssl.PEM_cert_to_DER_cert(pem.decode())


def der_to_pem(der: bytes) -> bytes:
    """A PEM block of this DER."""
    return ssl.DER_cert_to_PEM_cert(der).encode()


CA_FIRST = AUTHORITY.certificate_pem + PAIR.certificate_pem
HALF_CHAIN = PAIR.certificate_pem + AUTHORITY.certificate_pem[:200]
FAULTS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "no certificate file": ("tls.crt", absent, "cannot be read (No such file or directory); mount the TLS Secret"),
    "no key file": ("tls.key", absent, "cannot be read (No such file or directory); mount the TLS Secret"),
    "unreadable certificate": ("tls.crt", folder, "cannot be read (Is a directory)"),
    "unreadable key": ("tls.key", folder, "cannot be read (Is a directory)"),
    "empty certificate": ("tls.crt", content(b""), "holds no certificate that can be read; write the leaf"),
    "empty key": ("tls.key", content(b""), "holds no private key that can be read; write the key as PEM"),
    "corrupt certificate": ("tls.crt", content(b"\0\xff" * 99), "holds no certificate that can be read"),
    "corrupt key": ("tls.key", content(b"\0\xff" * 99), "holds no private key that can be read"),
    "swapped": ("tls.key", content(PAIR.certificate_pem), "holds no private key that can be read"),
    "another version": ("tls.crt", content(of_version_two(PAIR.certificate_pem)), "holds no certificate that can be"),
    "half a certificate": ("tls.crt", content(PAIR.certificate_pem[:300]), "holds no certificate that can be read"),
    "half a chain": ("tls.crt", content(HALF_CHAIN), "ends within a certificate; write the leaf and then"),
    "half a key": ("tls.key", content(PAIR.key_pem[:100]), "holds no private key that can be read"),
    "encrypted key": ("tls.key", encrypted, "is encrypted; write the key without a password"),
    "mismatched": ("tls.key", content(OTHER.key_pem), "is not the key of the first certificate in "),
    "leaf not first": ("tls.crt", content(CA_FIRST), "does not begin with the leaf; write the leaf first"),
    "expired": ("tls.crt", expired, f"expired at {(NOW - timedelta(days=1)).isoformat()}; issue a new"),
    "not yet valid": ("tls.crt", future, f"is not valid before {(NOW + timedelta(hours=1)).isoformat()}; check"),
    "weak": ("tls.crt", weak, "is refused by OpenSSL (EE_KEY_TOO_SMALL); issue an ECDSA P-256 or RSA 2048 pair"),
}
each_fault = pytest.mark.parametrize(("file", "spoil", "message"), FAULTS.values(), ids=FAULTS)


def holds_key_material(text: str) -> bool:
    """Whether any line of a key's PEM body is in the text."""
    lines = [line for pair in (PAIR, OTHER) for line in pair.key_pem.decode().splitlines() if "-" not in line]
    return any(line in text for line in lines)


@each_fault
def test_first_load_refuses(files: Files, file: str, spoil: Callable[[Path], None], message: str) -> None:
    """At start a bad pair is an error that names the file, the fault and the remedy, and shows no key."""
    spoil(files.cert.parent / file)
    with pytest.raises(CertificateFault) as caught:
        files.load()
    assert str(caught.value).startswith(f"{files.cert.parent / file}: {message}")
    assert caught.value.file == files.cert.parent / file
    assert str(caught.value).endswith(f"{caught.value.problem}; {caught.value.remedy}")
    assert not holds_key_material(repr(caught.value))
    assert files.observed.faults == []


@each_fault
async def test_reload_keeps_the_last_good_pair(
    files: Files, file: str, spoil: Callable[[Path], None], message: str
) -> None:
    """Later a bad pair is reported once, the good one goes on, and the next good one is taken."""
    serving = files.load()
    spoiled = files.cert.parent / file
    spoil(spoiled)
    for _ in range(3):
        assert await serving.refresh() is False
    [told] = files.observed.faults
    assert told.startswith(f"{spoiled}: {message}")
    assert not holds_key_material(told)
    assert serving.served
    assert serving.not_after == PAIR.certificate.not_valid_after_utc
    if spoiled.is_dir():
        spoiled.rmdir()
    later = issue_serving_pair(AUTHORITY, NAMES, NOW, lifetime=timedelta(days=100))
    files.write(later)
    assert await serving.refresh() is True
    assert files.observed.reloads == [serving.not_after] == [later.certificate.not_valid_after_utc]


async def test_unchanged_pair_is_left_alone(files: Files) -> None:
    """The same contents, though written anew, are no news."""
    serving = files.load()
    files.write(PAIR)
    assert await serving.refresh() is False
    assert (files.observed.reloads, files.observed.faults) == ([], [])


async def test_fault_that_comes_back_is_told_again(files: Files) -> None:
    """A fault is told once while it lasts, again after a recovery, and a different one at once."""
    serving = files.load()
    for _ in range(2):
        files.key.unlink()
        await serving.refresh()
        await serving.refresh()
        files.write(PAIR)
        await serving.refresh()
    files.key.unlink()
    await serving.refresh()
    files.cert.write_bytes(b"")
    files.key.write_bytes(b"")
    await serving.refresh()
    assert [fault.split(": ")[1].split(";")[0] for fault in files.observed.faults] == [
        *["cannot be read (No such file or directory)"] * 3,
        "holds no certificate that can be read",
    ]


def test_files_that_change_between_two_reads(files: Files) -> None:
    """When both files are replaced while the key is read, they are read again, as one pair."""
    new_key = files.key.with_name("new.key")
    new_key.write_bytes(OTHER.key_pem)
    files.key.unlink()
    os.mkfifo(files.key)

    def replace_both() -> None:
        # Opening waits for a reader of the key, who has read the old certificate by then.
        with files.key.open("wb") as pipe:
            files.cert.write_bytes(OTHER.certificate_pem)
            new_key.replace(files.key)
            pipe.write(PAIR.key_pem)

    with ThreadPoolExecutor() as pool:
        replaced = pool.submit(replace_both)
        assert files.load().not_after == OTHER.certificate.not_valid_after_utc
        replaced.result()


async def test_served_pair_expires(files: Files) -> None:
    """Once the pair in service expires, it no longer counts as served and is reported, until it is replaced."""
    now = [NOW]
    serving = files.load(lambda: now[0])
    now[0] = serving.not_after
    assert serving.served
    assert await serving.refresh() is False
    now[0] += timedelta(seconds=1)
    assert not serving.served
    assert await serving.refresh() is False
    assert await serving.refresh() is False
    assert files.observed.faults == [
        f"{files.cert}: expired at {serving.not_after.isoformat()}; issue a new certificate"
    ]
    files.write(issue_serving_pair(AUTHORITY, NAMES, now[0]))
    assert await serving.refresh() is True
    assert serving.served


def test_dates_include_their_ends(files: Files) -> None:
    """A pair loads in its first second and its last, as clients accept it, and in neither neighbour."""
    second = timedelta(seconds=1)
    first, last = PAIR.certificate.not_valid_before_utc, PAIR.certificate.not_valid_after_utc
    for moment in (first, last):
        assert files.load(lambda moment=moment: moment).served  # type: ignore[misc]
    for moment in (first - second, last + second):
        with pytest.raises(CertificateFault):
            files.load(lambda moment=moment: moment)  # type: ignore[misc]


async def test_pair_of_tomorrow_is_taken_when_its_time_comes(files: Files) -> None:
    """A pair refused as not valid yet is taken later though its files did not change again."""
    now = [NOW]
    serving = files.load(lambda: now[0])
    future(files.cert)
    assert await serving.refresh() is False
    now[0] += timedelta(hours=1)
    assert await serving.refresh() is True


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_every_issued_pair_loads(files: Files, algorithm: KeyAlgorithm) -> None:
    """All kinds of keys that we issue can be served, with a chain behind the leaf."""
    pair = issue_serving_pair(AUTHORITY, NAMES, NOW, algorithm=algorithm)
    files.cert.write_bytes(pair.certificate_pem + AUTHORITY.certificate_pem)
    files.key.write_bytes(pair.key_pem)
    assert files.load().not_after == pair.certificate.not_valid_after_utc


def test_other_key_forms_load(files: Files) -> None:
    """Keys as other tools write them are taken: the older PEM form, and a stray key beside the certificate."""
    files.key.write_bytes(PAIR.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    stray = ec.generate_private_key(ec.SECP256R1())
    body = stray.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.cert.write_bytes(body + PAIR.certificate_pem)
    assert files.load().served


def test_loads_without_memory_files(files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the system offers no file in memory, a private temporary file serves, and is gone afterwards."""
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert files.load().served
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tls.crt", "tls.key"]


def test_no_descriptor_stays_open(files: Files) -> None:
    """Loading leaves no file open, good or bad: a copy of the key would live on in one."""
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    files.load()
    weak(files.cert)
    with pytest.raises(CertificateFault):
        files.load()
    assert len(list(descriptors.iterdir())) == before


def test_context_demands_modern_tls(files: Files) -> None:
    """The server's context takes TLS 1.2 and later, and gives out no tickets for resumption."""
    context = files.load().context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_TICKET
    assert context.num_tickets == 0


async def test_changes_made_at_once_do_not_undo_each_other(files: Files, tmp_path: Path) -> None:
    """A pair that is handed over while the clients' authorities are read again: both are in service afterwards."""
    authorities = tmp_path / "clients.crt"
    authorities.write_bytes(AUTHORITY.certificate_pem)
    serving = ServingCertificate.awaited(
        "secret: tls.crt", "secret: tls.key", observer=files.observed, clock=lambda: NOW, client_ca=authorities
    )
    for number in range(1, 21):
        pair = issue_serving_pair(AUTHORITY, NAMES, NOW, lifetime=timedelta(days=number))
        authorities.write_bytes(issue_authority(NOW).certificate_pem)
        await asyncio.gather(serving.refresh(), serving.take(PairBytes(pair.certificate_pem, pair.key_pem)))
        assert serving.pair is not None
        assert serving.pair.certificate == pair.certificate_pem
        assert served_clients(serving) == authorities.read_bytes()


def served_clients(serving: ServingCertificate) -> bytes:
    """The clients' authorities that new handshakes go by."""
    assert serving._served is not None
    assert serving._served.clients is not None
    return serving._served.clients


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
async def test_clients_that_openssl_refuses_are_told_and_the_last_good_ones_go_on(files: Files, tmp_path: Path) -> None:
    """What one parser takes another may not; the watch outlives it, and a start with it is refused in words."""
    authorities = tmp_path / "clients.crt"
    good = issue_authority(NOW).certificate_pem
    authorities.write_bytes(good)

    def load() -> ServingCertificate:
        observed = files.observed
        return ServingCertificate.load(
            files.cert, files.key, observer=observed, clock=lambda: NOW, client_ca=authorities
        )

    serving = load()
    refused = 0
    der = pem_to_der(good)
    for at in range(len(der)):
        authorities.write_bytes(der_to_pem(der[:at] + bytes([der[at] ^ 0x80]) + der[at + 1 :]))
        told = len(files.observed.faults)
        before = served_clients(serving)
        if await serving.refresh():
            continue
        assert served_clients(serving) == before
        if len(files.observed.faults) > told:
            assert files.observed.faults[-1].startswith(f"{authorities}: ")
            assert "unexpected" not in files.observed.faults[-1]
            with pytest.raises(CertificateFault):
                load()
            refused += "refused by OpenSSL" in files.observed.faults[-1]
    assert refused
    authorities.write_bytes(issue_authority(NOW).certificate_pem)
    assert await serving.refresh()


async def test_the_unforeseen_is_told_by_its_kind_and_the_watch_goes_on(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text might hold a key."""
    serving = files.load()
    files.write(OTHER)
    with monkeypatch.context() as broken:
        broken.setattr("leadergate.tls.validate", lambda *_, **__: 1 / 0)
        assert await serving.refresh() is False
    assert files.observed.faults == [f"{files.cert}: cannot be taken: unexpected ZeroDivisionError"]
    assert await serving.refresh() is True
