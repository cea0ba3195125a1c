"""The fuzz target of tokens: any string is an identity that was given, or refused, and the refusal
quotes nothing of it. An input is a byte that chooses, and a token; or the header and the claims of
a JWT that is signed with the right key, with 0xff between."""

import json
import tempfile
import time
from pathlib import Path

from chatd.errors import TokenExpired, Unauthenticated
from chatd.gateway.authentication.chain import Authentication
from chatd.gateway.authentication.identity import Identity, digest_of
from chatd.gateway.authentication.jwt_keys import load_jwt_keys
from chatd.gateway.authentication.jwt_tokens import JwtRule, JwtTokens
from chatd.gateway.authentication.revocations import Revocations
from chatd.gateway.authentication.token_table import TokenTable
from tests.gateway.authentication.issuer import AUDIENCE, ISSUER, Issuer, jwks, part

KEY = Issuer()
KNOWN = "a-known-token"


def _chain() -> Authentication:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys"
        path.write_text(jwks([KEY]))
        jwts = JwtTokens(load_jwt_keys(path), JwtRule(ISSUER, AUDIENCE, leeway=5.0))
    table = TokenTable({digest_of(KNOWN): Identity("alice", digest=digest_of(KNOWN), source="file")})
    return Authentication((table, jwts), Revocations(now=time.time), now=time.time)


CHAIN = _chain()


def check(data: bytes) -> None:
    choice, rest = data[:1] or b"\0", data[1:]
    signed = choice[0] % 2 == 1
    if signed:
        header, _, claims = rest.partition(b"\xff")
        signing = f"{part(header)}.{part(claims)}"
        signature = KEY.key.sign(signing.encode())  # type: ignore[call-arg]
        token = f"{signing}.{part(signature)}"
    else:
        token = rest.decode("utf-8", "surrogateescape")
    try:
        found = CHAIN.authenticate(token, "")
    except (Unauthenticated, TokenExpired) as exc:
        refusal = str(exc)
        assert len(token) < 8 or token not in refusal
        return
    assert signed or token == KNOWN or token in GOOD
    assert found.profile_id
    assert "\0" not in found.profile_id


def _claims(**more: object) -> bytes:
    given = {"sub": "alice", "iss": ISSUER, "aud": AUDIENCE, "exp": 4_000_000_000, **more}
    return json.dumps(given).encode()


HEADER = b'{"alg": "EdDSA", "kid": "k1"}'
GOOD = {KEY.token(seconds=10_000_000)}
SEEDS = {
    "known": b"\0" + KNOWN.encode(),
    "jwt": b"\0" + next(iter(GOOD)).encode(),
    "empty": b"\0",
    "long": b"\0" + b"x" * 5_000,
    "no-jwt": b"\0eyJ.e30.x",
    "signed": b"\x01" + HEADER + b"\xff" + _claims(),
    "none": b'\x01{"alg": "none"}\xff' + _claims(),
    "deep": b"\x01" + HEADER + b"\xff" + b"[" * 2_000,
    "list": b"\x01" + HEADER + b"\xff[]",
    "numbers": b"\x01" + HEADER + b"\xff" + _claims(exp=1e400, iat=-1e300),
    "expired": b"\x01" + HEADER + b"\xff" + _claims(exp=1),
    "infinite": b"\x01" + HEADER + b"\xff" + _claims(iat=float("inf")),
    "digits": b"\x01" + HEADER + b"\xff" + b'{"exp": ' + b"9" * 5_000 + b"}",
    "claims": b"\x01" + HEADER + b"\xff" + _claims(chatd_role="operator", chatd_scopes=["read"]),
    "devices": b"\x01" + HEADER + b"\xff" + _claims(chatd_devices=["phone", 7]),
    "profile": b"\x01" + HEADER + b"\xff" + _claims(sub="a\0\x1bb"),
}
