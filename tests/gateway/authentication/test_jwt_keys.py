"""Files of keys: JWKS and PEM, and what is wrong in them."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from chatd.errors import ConfigError, StartFailed
from chatd.gateway.authentication.jwt_keys import JwtKeys, load_jwt_keys
from tests.gateway.authentication.issuer import MAKERS, Issuer, jwks

CANARY = "c4nary"


def load(folder: Path, content: str | bytes) -> JwtKeys:
    path = folder / "keys"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_jwt_keys(path)


def test_a_key_has_one_algorithm_by_its_kind(tmp_path: Path) -> None:
    issuers = [Issuer(algorithm, algorithm.lower()) for algorithm in MAKERS]
    for content in (jwks(issuers), b"\n".join(issuer.pem for issuer in issuers)):
        keys = load(tmp_path, content)
        for issuer in issuers:
            (found,) = keys.candidates(issuer.algorithm, issuer.key_id)
            assert found.algorithm == issuer.algorithm
            assert keys.candidates("HS256", issuer.key_id) == []
            assert keys.candidates("none", "") == []


def test_keys_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    keys = load(tmp_path, jwks([Issuer(key_id="a"), Issuer(key_id="b")]))
    assert [key.key_id for key in keys.candidates("EdDSA", "b")] == ["b"]
    assert keys.candidates("EdDSA", "c") == []
    assert keys.candidates("EdDSA", "") == [], "it may be either"
    assert len(load(tmp_path, jwks([Issuer(key_id="a")])).candidates("EdDSA", "")) == 1
    assert len(load(tmp_path, Issuer().pem + Issuer().pem).candidates("EdDSA", "x")) == 2


def test_keys_for_something_else_are_passed_over(tmp_path: Path) -> None:
    good = Issuer().jwk
    others = [
        {**Issuer("RS256").jwk, "alg": "RS512"},
        {**Issuer("RS256").jwk, "use": "enc"},
        {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
        {"kty": "FUTURE"},
    ]
    assert len(load(tmp_path, json.dumps({"keys": [*others, good]})).names) == 1
    with pytest.raises(ConfigError, match="holds no key for"):
        load(tmp_path, json.dumps({"keys": others}))


def secret_pem() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def public_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "holds no key for"),
        (CANARY, "holds no key for"),
        ("{" + CANARY, "it is not JSON"),
        ("{" * 100_000, "it is not JSON"),
        ('{"a":' * 100_000, "it is not JSON"),
        (json.dumps({CANARY: []}), 'there is no list "keys"'),
        (json.dumps({"keys": [CANARY]}), "key 1 is no JWK"),
        (json.dumps({"keys": [{"kty": "oct", "k": CANARY}]}), "key 1 is a secret"),
        (json.dumps({"keys": [{**Issuer().jwk, "d": CANARY}]}), "key 1 is a secret"),
        (json.dumps({"keys": [{**Issuer().jwk, "x": CANARY}]}), "key 1 is malformed"),
        (json.dumps({"keys": [{**Issuer().jwk, "kid": [CANARY]}]}), "key 1: its kid is no text"),
        (secret_pem(), "key 1 is a secret"),
        (public_pem(rsa.generate_private_key(65_537, 1_024)), "key 1 has 1024 bits; RSA needs 2,048"),
        (public_pem(ec.generate_private_key(ec.SECP384R1())), "key 1 is not for EdDSA"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "block 1 is no public key"),
        (b"".join(Issuer().pem for _ in range(9)), "more than 8 keys without an id"),
        (" " * 1_048_577, "is longer than 1,048,576 bytes"),
    ],
)
def test_a_bad_file_is_refused_and_not_quoted(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, content)
    assert says in str(refused.value)
    assert CANARY not in str(refused.value)


def test_a_missing_file_may_come_yet(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="JWT_KEYS_FILE"):
        load_jwt_keys(tmp_path / "none")
