"""The public keys that JWTs are signed with: a JWKS, or PEM. Each key has one algorithm, by its
kind; a token has no say in it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatd.errors import ConfigError, extra, os_error

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

MAX_FILE_BYTES = 1_048_576
MAX_KEYS_WITHOUT_ID = 8
"""A token may have been signed with any of them: so many checks may it cost."""
MIN_RSA_BITS = 2_048
_ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", None): "RS256"}
_SECRET_MEMBERS = frozenset(("d", "p", "q", "dp", "dq", "qi", "k"))
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class JwtKey:
    """``key_id`` is empty for a key that has none; ``name`` is made of the key itself."""

    key: "PublicKey"
    algorithm: str
    key_id: str
    name: str


class JwtKeys:
    """The keys of a file."""

    def __init__(self, keys: tuple[JwtKey, ...]) -> None:
        self._keys = keys
        self.names = frozenset(key.name for key in keys)

    def candidates(self, algorithm: str, key_id: str) -> list[JwtKey]:
        """The keys that a token of this header may have been signed with: a few at most. A key
        without an id is one for every token, and the only one of its algorithm for those that name
        none."""
        possible = [key for key in self._keys if key.algorithm == algorithm]
        if not key_id and len(possible) == 1:
            return possible
        return [key for key in possible if key.key_id in ("", key_id)]


def load_jwt_keys(path: Path) -> JwtKeys:
    """Read the file. Raises ConfigError for what is wrong in it, and without the extra chatd[jwt];
    StartFailed if it cannot be read now."""
    with extra("jwt", "JWT_KEYS_FILE"):
        import cryptography  # noqa: F401
        import jwt  # noqa: F401
    where = f"JWT_KEYS_FILE {path}"
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        raise os_error(where, exc) from exc
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(f"{where} is longer than {MAX_FILE_BYTES:,} bytes")
    read = _of_jwks if content.lstrip().startswith(b"{") else _of_pem
    try:
        keys = tuple(read(content))
    except _Wrong as exc:
        raise ConfigError(f"{where}: {exc}") from None
    if not keys:
        raise ConfigError(f"{where} holds no key for EdDSA (Ed25519), ES256 or RS256")
    if sum(not key.key_id for key in keys) > MAX_KEYS_WITHOUT_ID:
        raise ConfigError(f"{where} holds more than {MAX_KEYS_WITHOUT_ID} keys without an id")
    return JwtKeys(keys)


class _Wrong(Exception):
    """The text says what, and quotes nothing of the file."""


def _of_jwks(content: bytes) -> Iterator[JwtKey]:
    """The keys of a JWKS that are for what is asked of them here."""
    import jwt  # here: an extra of its own

    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise _Wrong("it is not JSON") from exc
    found = document.get("keys", [document] if "kty" in document else None)
    if not isinstance(found, list):
        raise _Wrong('it is no JWKS: there is no list "keys"')
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict):
            raise _Wrong(f"key {number} is no JWK")
        if one.keys() & _SECRET_MEMBERS:
            raise _Wrong(f"key {number} is a secret; the file must hold public keys only")
        curve = one.get("crv") if one.get("kty") != "RSA" else None
        algorithm = _ALGORITHMS.get((str(one.get("kty")), curve if curve is None else str(curve)))
        if algorithm is None or one.get("alg", algorithm) != algorithm or one.get("use", "sig") != "sig":
            continue
        key_id = one.get("kid", "")
        if not isinstance(key_id, str):
            raise _Wrong(f"key {number}: its kid is no text")
        try:
            key = jwt.PyJWK(one, algorithm=algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError) as exc:
            raise _Wrong(f"key {number} is malformed") from exc
        yield _checked(number, key, algorithm, key_id)


def _of_pem(content: bytes) -> Iterator[JwtKey]:
    """Every block is a public key."""
    from cryptography.exceptions import UnsupportedAlgorithm  # here: it takes long
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    for number, block in enumerate(_PEM.finditer(content), 1):
        if b"PRIVATE" in block[1]:
            raise _Wrong(f"key {number} is a secret; the file must hold public keys only")
        try:
            key = load_pem_public_key(block[0])
        except (ValueError, UnsupportedAlgorithm) as exc:
            raise _Wrong(f"block {number} is no public key") from exc
        if isinstance(key, Ed25519PublicKey):
            yield _checked(number, key, "EdDSA", "")
        elif isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
            yield _checked(number, key, "ES256", "")
        elif isinstance(key, RSAPublicKey):
            yield _checked(number, key, "RS256", "")
        else:
            raise _Wrong(f"key {number} is not for EdDSA (Ed25519), ES256 or RS256")


def _checked(number: int, key: Any, algorithm: str, key_id: str) -> JwtKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # here: it takes long

    if algorithm == "RS256" and key.key_size < MIN_RSA_BITS:
        raise _Wrong(f"key {number} has {key.key_size} bits; RSA needs {MIN_RSA_BITS:,}")
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return JwtKey(key, algorithm, key_id, sha256(encoded).hexdigest())
