"""An issuer of JWTs, for tests: keys of each kind, their public halves as JWKS and as PEM, and
tokens."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER, AUDIENCE = "https://id.example", "chatd"
RULE = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
MAKERS: dict[str, Any] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65_537, 2_048),
}


class Issuer:
    """One key; ``key_id`` is in its JWK and in the tokens' headers."""

    def __init__(self, algorithm: str = "EdDSA", key_id: str = "k1") -> None:
        self.algorithm = algorithm
        self.key_id = key_id
        self.key: PrivateKey = MAKERS[algorithm]()

    def token(
        self,
        profile: str = "alice",
        *,
        seconds: float = 60.0,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token that is good for so many seconds. A claim that is None is left out."""
        now = time.time()
        given = {
            "sub": profile,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + seconds,
            **claims,
        }
        payload = {name: value for name, value in given.items() if value is not None}
        headers = {"kid": self.key_id} if header is None else header
        return signed(self.key, self.algorithm, payload, headers)

    @property
    def jwk(self) -> dict[str, Any]:
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        return {**algorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": self.key_id}

    @property
    def pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwks(issuers: Sequence[Issuer]) -> str:
    return json.dumps({"keys": [issuer.jwk for issuer in issuers]})


def part(content: object) -> str:
    """A part of a JWT: JSON, or the bytes as they are."""
    encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
    return urlsafe_b64encode(encoded).rstrip(b"=").decode()


def signed(key: PrivateKey, algorithm: str, payload: object, header: dict[str, Any]) -> str:
    """A JWT with any payload and header."""
    signing = f"{part({'alg': algorithm, **header})}.{part(payload)}"
    signature = jwt.get_algorithm_by_name(algorithm).sign(signing.encode(), key)
    return f"{signing}.{part(signature)}"
