"""The Secret that holds a rotation's state: written, read back, and refused in words when it is damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from leadergate_certs.issue import KeyAlgorithm, issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.secret import KEYS, FromLaterVersion, Unusable, decode, encode
from leadergate_certs.state import RETIRED_KEPT, Request, State, first_state

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
NAMES = ServingNames.parse(ips=["127.0.0.1"])


def state(algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256) -> State:
    """Two authorities, the older one without its key, and one that was retired."""
    old = issue_authority(NOW, algorithm=algorithm)
    made = first_state(old, issue_serving_pair(old, NAMES, NOW, algorithm=algorithm))
    made = made.with_trust(made.newest, NOW)
    new = issue_authority(NOW, algorithm=algorithm)
    made = made.with_authority(new).with_pair(issue_serving_pair(new, NAMES, NOW))
    third = issue_authority(NOW)
    return made.with_authority(third).without(made.authorities[1])


@pytest.fixture(name="data", scope="module")
def a_secret() -> dict[str, bytes]:
    """The data of a good Secret."""
    return encode(state())


def told(one: State) -> list[object]:
    """All that a state says, in a form that can be compared."""
    authorities = [
        (a.certificate, a.key.private_numbers() if a.key else None, a.trusted_since, a.leaves_end)
        for a in one.authorities
    ]
    return [authorities, one.pair.certificate, one.pair.key_pem, one.retired, one.requested]


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048])
def test_what_is_written_is_read(algorithm: KeyAlgorithm) -> None:
    """Certificates, keys, since when each is trusted, and what was retired."""
    written = state(algorithm)
    assert told(decode(encode(written))) == told(written)


def test_the_request_stands_beside_the_data(data: dict[str, bytes]) -> None:
    """In an annotation, which a person can set; one that makes no sense asks for nothing."""
    assert decode(data, "ca").requested is Request.CA
    assert decode(data, "leaf").requested is Request.LEAF
    assert decode(data, "everything").requested is None
    assert decode(data).requested is None


@pytest.mark.parametrize("key", [key for key in KEYS if key != "ca.key"])
@pytest.mark.parametrize("value", [None, b""])
def test_a_missing_key_is_named(data: dict[str, bytes], key: str, value: bytes | None) -> None:
    """Each of them, missing or empty."""
    broken = {name: content for name, content in data.items() if name != key}
    if value is not None:
        broken[key] = value
    with pytest.raises(Unusable, match=f"^{key}: missing or empty$"):
        decode(broken)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("tls.crt", "tls.crt: holds no certificates that can be read"),
        ("tls.key", "tls.key: holds no private key that can be read"),
        ("ca.crt", "ca.crt: holds no certificates that can be read"),
        ("state.json", "state.json: 1 faults, the first: Invalid JSON"),
    ],
)
def test_junk_is_named(data: dict[str, bytes], key: str, said: str) -> None:
    """Which key holds it, and never what it holds."""
    with pytest.raises(Unusable) as fault:
        decode({**data, key: b"s3cret junk"})
    assert str(fault.value).startswith(said)
    assert "s3cret" not in str(fault.value)


@pytest.mark.parametrize("keys", [b"junk", b"", None])
def test_without_their_keys_authorities_cannot_sign(data: dict[str, bytes], keys: bytes | None) -> None:
    """Nothing that is served depends on them, so the state is good, can be written again, and the next one is due."""
    damaged = {key: value for key, value in data.items() if key != "ca.key"}
    if keys is not None:
        damaged["ca.key"] = keys
    keyless = decode(damaged)
    assert [one.key for one in keyless.authorities] == [None, None]
    assert told(decode(encode(keyless))) == told(keyless)


def test_a_key_of_another_certificate_is_refused(data: dict[str, bytes]) -> None:
    """A pair that does not belong together would break every handshake."""
    other = encode(state())
    with pytest.raises(Unusable, match=r"^tls\.key: is not the key of tls\.crt$"):
        decode({**data, "tls.key": other["tls.key"]})


def test_a_pair_of_another_authority_is_refused(data: dict[str, bytes]) -> None:
    """Callers would trust none of it."""
    other = encode(state())
    with pytest.raises(Unusable, match=r"^tls\.crt: the serving certificate was issued by none of the authorities$"):
        decode({**data, "tls.crt": other["tls.crt"], "tls.key": other["tls.key"]})


def test_a_later_version_is_not_guessed_at(data: dict[str, bytes]) -> None:
    """Nor is it damage that this version could mend: there is nothing to be written over it."""
    later = json.dumps({**json.loads(data["state.json"]), "version": 2}).encode()
    with pytest.raises(FromLaterVersion, match=r"^state\.json: version 2 is unknown, as a later leadergate wrote it; "):
        decode({**data, "state.json": later})


def test_an_authority_that_the_state_does_not_know_is_not_trusted_and_ends_late(data: dict[str, bytes]) -> None:
    """Somebody has added it by hand: as little is assumed of it as can be."""
    stranger = issue_authority(NOW)
    read = decode({**data, "ca.crt": data["ca.crt"] + stranger.certificate_pem})
    assert read.authorities[-1].trusted_since is None
    assert read.authorities[-1].key is None
    assert read.authorities[-1].leaves_end == stranger.certificate.not_valid_after_utc


def test_a_leaf_without_names_is_refused(data: dict[str, bytes]) -> None:
    """Of another tool, for instance: no client could match it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bare")])
    end = NOW + timedelta(days=1)
    bare = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), NOW, end)
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(Unusable, match=r"^tls\.crt: bears no names"):
        decode({**data, "tls.crt": bare, "tls.key": pem})


def test_no_key_shows_in_a_repr(data: dict[str, bytes]) -> None:
    """States get into log lines and test failures."""
    shown = repr(decode(data))
    assert "PRIVATE" not in shown
    assert "PrivateKey" not in shown


def test_a_bounded_number_of_retired_authorities_is_remembered() -> None:
    """The newest ones: a Secret does not grow for ever."""
    authority = issue_authority(NOW)
    one = first_state(authority, issue_serving_pair(authority, NAMES, NOW))
    gone = []
    for _ in range(RETIRED_KEPT + 2):
        old, new = one.newest, issue_authority(NOW)
        one = one.with_authority(new).with_pair(issue_serving_pair(new, NAMES, NOW)).without(old)
        gone.insert(0, old.fingerprint)
    assert one.retired == tuple(gone[:RETIRED_KEPT])
    assert decode(encode(one)).retired == one.retired
