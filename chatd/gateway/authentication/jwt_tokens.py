"""JwtTokens: tokens that an issuer has signed (RFC 7519). Hostile ones cost little: their size is
bounded, a few checks are made at most, and nothing in their headers is followed."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chatd.core.ids import check_id
from chatd.errors import InvalidArgument, InvalidId, Unauthenticated
from chatd.gateway.authentication.identity import Identity, device_ids, digest_of, rights
from chatd.gateway.authentication.jwt_keys import JwtKeys

MAX_VERIFIED = 10_000
"""Tokens whose signatures need not be checked again: those that were used last."""
_SHAPE = re.compile(r"ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
"""A header that begins with ``{"`` or ``{`` and white space, a payload, a signature."""
_P256_ORDER = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
"""The order n of P-256 (FIPS 186-4, D.1.2.3)."""


@dataclass(frozen=True, slots=True)
class JwtRule:
    """Tokens must be of ``issuer`` and for ``audience``; clocks may differ by ``leeway``
    seconds."""

    issuer: str
    audience: str
    leeway: float


class JwtTokens:
    """Everything that looks like a JWT is taken for one of the issuer's."""

    def __init__(self, keys: JwtKeys, rule: JwtRule) -> None:
        import jwt  # here: an extra of its own

        self._jwt = jwt
        self._keys = keys
        self._rule = rule
        self._verified: OrderedDict[bytes, Identity] = OrderedDict()  # the one used last at the end

    def identify(self, token: str, digest: bytes) -> Identity | None:
        """The identity that a JWT shows, even if it has expired; None: it is none. Raises
        Unauthenticated."""
        identity = self._verified.get(digest)
        if identity is None:
            if not _SHAPE.fullmatch(token):
                return None
            identity = self._verified[digest] = self._verify(token, digest)
            if len(self._verified) > MAX_VERIFIED:
                self._verified.popitem(last=False)
        else:
            self._verified.move_to_end(digest)
        return identity

    def confirm(self, identity: Identity) -> Identity | None:
        """The same identity, as long as its token's key, issuer and audience are those of now."""
        known = {self._source(name) for name in self._keys.names}
        return identity.own() if identity.source in known else None

    def _source(self, key_name: str) -> str:
        return f"jwt {key_name} {self._rule.issuer} {self._rule.audience}"

    def _verify(self, token: str, digest: bytes) -> Identity:
        try:
            header = self._jwt.get_unverified_header(token)
        except (self._jwt.PyJWTError, ValueError, RecursionError):
            raise _refusal("its header is malformed") from None
        algorithm, key_id = header.get("alg"), header.get("kid", "")
        if not isinstance(algorithm, str) or not isinstance(key_id, str) or "crit" in header:
            raise _refusal("its header is malformed")
        for key in self._keys.candidates(algorithm, key_id):
            claims = self._claims(token, key.key, key.algorithm)
            if claims is not None:
                twin = _twin(token, key.algorithm)
                return self._identity(claims, digest, twin, self._source(key.name))
        raise _refusal("it is not signed with a known key")

    def _claims(self, token: str, key: Any, algorithm: str) -> dict[str, Any] | None:
        """The claims of a good token; None: it is signed with another key."""
        jwt, rule = self._jwt, self._rule
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=rule.issuer,
                audience=rule.audience,
                leeway=rule.leeway,
                # One that has expired is known, too: who sends it again and again costs little.
                options={"require": ["exp", "sub", "iss", "aud"], "verify_exp": False},
            )
        except jwt.InvalidSignatureError:
            return None
        except jwt.MissingRequiredClaimError as exc:
            raise _refusal(f"it has no {exc.claim}") from None
        except jwt.InvalidIssuerError:
            raise _refusal("it is of another issuer") from None
        except jwt.InvalidAudienceError:
            raise _refusal("it is for another audience") from None
        except jwt.ImmatureSignatureError:
            raise _refusal("it is not good yet") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise _refusal("it is malformed") from None
        return claims

    def _identity(self, claims: Mapping[str, Any], digest: bytes, twin: bytes, source: str) -> Identity:
        try:
            return Identity(
                check_id("sub", claims["sub"]),
                rights(claims.get("chatd_role"), claims.get("chatd_scopes")),
                digest,
                source,
                devices=device_ids(claims.get("chatd_devices")),
                issued_at=float(claims.get("iat", 0.0)),
                expires_at=int(claims["exp"]) + self._rule.leeway,
                twin=twin,
            )
        except InvalidId:
            raise _refusal("its sub is no profile id") from None
        except InvalidArgument as exc:
            raise _refusal(f"of its claims for chatd, {exc}") from None
        except (ValueError, TypeError, OverflowError):
            raise _refusal("it is malformed") from None


def _twin(token: str, algorithm: str) -> bytes:
    """The digest of the same token with its signature's other form: who has (r, s) of ES256 has
    (r, n - s), and a revocation is to end both. Raises Unauthenticated if the text of a good
    signature is none that an issuer writes."""
    signed, _, text = token.rpartition(".")
    signature = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(signature) != text:  # unused bits: early versions of PyJWT take any
        raise _refusal("it is malformed")
    if algorithm != "ES256":
        return b""
    half = len(signature) // 2
    other = _P256_ORDER - int.from_bytes(signature[half:], "big")
    return digest_of(f"{signed}.{_text(signature[:half] + other.to_bytes(half, 'big'))}")


def _text(signature: bytes) -> str:
    return urlsafe_b64encode(signature).rstrip(b"=").decode()


def _refusal(why: str) -> Unauthenticated:
    """Nothing of the token is quoted."""
    return Unauthenticated(f"the token is a JWT, and {why}")
