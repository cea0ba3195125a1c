"""JWTs: whom a good one shows, and everything that is no good one."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatd.core.scopes import ALL_SCOPES, NO_SCOPES, Scope
from chatd.errors import TokenExpired, Unauthenticated
from chatd.gateway.authentication import jwt_tokens
from chatd.gateway.authentication.chain import Authentication
from chatd.gateway.authentication.identity import Identity, digest_of
from chatd.gateway.authentication.jwt_keys import load_jwt_keys
from chatd.gateway.authentication.jwt_tokens import JwtRule, JwtTokens
from chatd.gateway.authentication.revocations import Revocations
from chatd.pb.node.v1.node_pb2 import Revocation
from tests.gateway.authentication.issuer import AUDIENCE, ISSUER, MAKERS, Issuer, jwks, part, signed

RULE = JwtRule(ISSUER, AUDIENCE, leeway=5.0)
OF = {algorithm: Issuer(algorithm, algorithm) for algorithm in MAKERS}
ALICE = OF["EdDSA"]


@pytest.fixture
def tokens(tmp_path: Path) -> JwtTokens:
    (tmp_path / "keys").write_text(jwks(list(OF.values())))
    return JwtTokens(load_jwt_keys(tmp_path / "keys"), RULE)


def chain(tokens: JwtTokens) -> Authentication:
    return Authentication((tokens,), Revocations(now=time.time), now=time.time)


@pytest.mark.parametrize("issuer", OF.values(), ids=lambda issuer: issuer.algorithm)
def test_a_token_of_each_kind(tokens: JwtTokens, issuer: Issuer) -> None:
    found = chain(tokens).authenticate(issuer.token("alice", seconds=60), "")
    assert (found.profile_id, found.scopes, found.devices) == ("alice", NO_SCOPES, frozenset())
    assert found.expires_at == pytest.approx(time.time() + 60 + RULE.leeway, abs=5)
    assert found.issued_at == pytest.approx(time.time(), abs=5)


def test_its_claims_for_chatd(tokens: JwtTokens) -> None:
    def shown(**claims: Any) -> Identity:
        return chain(tokens).authenticate(ALICE.token(**claims), "")

    assert shown(chatd_devices=["phone"]).devices == {"phone"}
    assert shown(chatd_role="operator").scopes == ALL_SCOPES
    assert shown(chatd_role="operator", chatd_scopes=["read"]).scopes == {Scope.READ}
    assert shown(role="operator", scopes=["read"]).scopes == NO_SCOPES, "claims of others"


WRONG: dict[str, Callable[[], str]] = {
    "another key": lambda: Issuer(key_id=ALICE.key_id).token(),
    "an unknown kid": lambda: ALICE.token(header={"kid": "x"}),
    "a path as kid": lambda: ALICE.token(header={"kid": "../../dev/null"}),
    "a list as kid": lambda: ALICE.token(header={"kid": ["EdDSA"]}),
    "another's kid": lambda: ALICE.token(header={"kid": "RS256"}),
    "a key in the header": lambda: Issuer(key_id="x").token(header={"jwk": Issuer().jwk, "kid": "x"}),
    "an address of keys": lambda: Issuer(key_id="x").token(header={"jku": "http://127.0.0.1:1/", "kid": "x"}),
    "crit": lambda: ALICE.token(header={"kid": ALICE.key_id, "crit": ["exp"]}),
    "detached": lambda: ALICE.token(header={"kid": ALICE.key_id, "b64": False, "crit": ["b64"]}),
    "none": lambda: f"{part({'alg': 'none', 'kid': ALICE.key_id})}.{ALICE.token().split('.')[1]}.AA",
    "NONE": lambda: f"{part({'alg': 'NonE'})}.{ALICE.token().split('.')[1]}.AA",
    "HS256 by a public key": lambda: _hs256(),
    "alg of another key": lambda: (
        f"{part({'alg': 'RS256', 'kid': 'EdDSA'})}.{ALICE.token().partition('.')[2]}"
    ),
    "alg a list": lambda: f"{part({'alg': ['EdDSA'], 'kid': 'EdDSA'})}.{ALICE.token().partition('.')[2]}",
    "no exp": lambda: ALICE.token(exp=None),
    "exp a text": lambda: ALICE.token(exp="soon"),
    "exp a list": lambda: ALICE.token(exp=[1]),
    "exp infinite": lambda: ALICE.token(exp=float("inf")),
    "exp not a number": lambda: ALICE.token(exp=float("nan")),
    "exp beyond floats": lambda: ALICE.token(exp=10**400),
    "iat a text": lambda: ALICE.token(iat="then"),
    "not yet": lambda: ALICE.token(nbf=time.time() + 60),
    "no issuer": lambda: ALICE.token(iss=None),
    "another issuer": lambda: ALICE.token(iss="https://evil.example"),
    "an issuer that begins so": lambda: ALICE.token(iss=ISSUER[:-1]),
    "no audience": lambda: ALICE.token(aud=None),
    "another audience": lambda: ALICE.token(aud="chatd2"),
    "no sub": lambda: ALICE.token(sub=None),
    "sub a number": lambda: ALICE.token(sub=7),
    "sub empty": lambda: ALICE.token(sub=""),
    "sub no id": lambda: ALICE.token(sub="a b"),
    "a role that is none": lambda: ALICE.token(chatd_role="admin"),
    "a role of another type": lambda: ALICE.token(chatd_role=["operator"]),
    "scopes without the role": lambda: ALICE.token(chatd_scopes=["read"]),
    "scopes a text": lambda: ALICE.token(chatd_role="operator", chatd_scopes="read"),
    "scopes of another type": lambda: ALICE.token(chatd_role="operator", chatd_scopes=[["read"]]),
    "devices a text": lambda: ALICE.token(chatd_devices="phone"),
    "devices of another type": lambda: ALICE.token(chatd_devices=[1]),
    "claims no object": lambda: signed(ALICE.key, "EdDSA", ["sub"], {"kid": "EdDSA"}),
    "claims no JSON": lambda: signed(ALICE.key, "EdDSA", b"\xff{", {"kid": "EdDSA"}),
    "deep claims": lambda: signed(ALICE.key, "EdDSA", b"[" * 2_500, {"kid": "EdDSA"}),
    "a deep header": lambda: f"{part(b'{' + b' ' + b'{:1,a:' * 300)}.e30.AA",
    "a deeper header": lambda: f"{part(b'{ ' + b'[' * 2_500)}.e30.AA",
    "an empty signature": lambda: ALICE.token().rpartition(".")[0] + ".",
    "four parts": lambda: ALICE.token() + ".AA",
    "too long": lambda: ALICE.token(x="x" * 4_096),
}


def _hs256() -> str:
    import hashlib
    import hmac

    issuer = OF["RS256"]
    signing = f"{part({'alg': 'HS256', 'kid': issuer.key_id})}.{issuer.token().split('.')[1]}"
    mac = hmac.new(issuer.pem, signing.encode(), hashlib.sha256).digest()
    return f"{signing}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_good_token(tokens: JwtTokens, name: str) -> None:
    token = WRONG[name]()
    with pytest.raises(Unauthenticated) as refused:
        chain(tokens).authenticate(token, "")
    assert not any(one and one in str(refused.value) for one in token.split(".")), "nothing is quoted"
    assert not tokens._verified


def test_expiry_and_leeway(tokens: JwtTokens) -> None:
    assert chain(tokens).authenticate(ALICE.token(seconds=-2), "").profile_id == "alice"
    with pytest.raises(TokenExpired):
        chain(tokens).authenticate(ALICE.token(seconds=-6), "")
    token = ALICE.token(seconds=-2)
    later = Authentication((tokens,), Revocations(now=time.time), now=lambda: time.time() + 4)
    chain(tokens).authenticate(token, "")
    with pytest.raises(TokenExpired):
        later.authenticate(token, "")  # although it is known


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "eyJ", "ey.", "", "\u00e9y.a.b"])
def test_another_kind_of_token_is_left_to_others(tokens: JwtTokens, token: str) -> None:
    assert tokens.identify(token, b"") is None


def test_a_signature_is_checked_once(tokens: JwtTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    verify = JwtTokens._verify

    def counting(self: JwtTokens, token: str, digest: bytes) -> Identity:
        checked.append(token)
        return verify(self, token, digest)

    monkeypatch.setattr(JwtTokens, "_verify", counting)
    monkeypatch.setattr(jwt_tokens, "MAX_VERIFIED", 2)
    a, b, c = (ALICE.token(name) for name in "abc")
    for token in (a, a, b, a, c, a, b):
        chain(tokens).authenticate(token, "")
    assert checked == [a, b, c, b], "the one that was used longest ago made room"
    assert len(tokens._verified) == 2
    old = ALICE.token(seconds=-60)
    for _ in range(3):
        with pytest.raises(TokenExpired):
            chain(tokens).authenticate(old, "")
    assert checked[4:] == [old], "one that has expired, too"


def test_a_stream_goes_on_while_its_key_is_known(tokens: JwtTokens, tmp_path: Path) -> None:
    alice = chain(tokens).authenticate(ALICE.token(), "")
    ops = chain(tokens).authenticate(ALICE.token("ops", chatd_role="operator"), "bob")

    def with_keys(*issuers: Issuer, rule: JwtRule = RULE) -> Authentication:
        (tmp_path / "keys").write_text(jwks(issuers))
        return chain(JwtTokens(load_jwt_keys(tmp_path / "keys"), rule))

    assert with_keys(OF["RS256"], ALICE).confirm(alice) == alice
    assert with_keys(ALICE).confirm(ops) == ops
    assert with_keys(OF["RS256"]).confirm(alice) is None
    assert with_keys(ALICE, rule=JwtRule(ISSUER, "other", 5.0)).confirm(alice) is None


@pytest.mark.parametrize("issuer", OF.values(), ids=lambda issuer: issuer.algorithm)
def test_a_revoked_token_is_no_good_in_other_letters(tokens: JwtTokens, issuer: Issuer) -> None:
    token = issuer.token()
    revocations = Revocations(now=time.time)
    revocations.add([Revocation(digest=digest_of(token))])
    known = Authentication((tokens,), revocations, now=time.time)
    for one in (token, *_rewritten(token, issuer.algorithm)):
        with pytest.raises(Unauthenticated):
            known.authenticate(one, "")


def _rewritten(token: str, algorithm: str) -> list[str]:
    """The token with signatures that say the same to a lenient reader: other unused bits of the
    last letter; of ES256 (r, n - s) for (r, s)."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    found = [token[:-1] + letter for letter in letters if letter != token[-1]]
    if algorithm == "ES256":
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        signing, _, signature = token.rpartition(".")
        raw = urlsafe_b64decode(signature + "==")
        other = order - int.from_bytes(raw[32:], "big")
        found.append(f"{signing}.{part(raw[:32] + other.to_bytes(32, 'big'))}")
    return found


def test_both_forms_of_a_token_are_good_until_then(tokens: JwtTokens) -> None:
    token = OF["ES256"].token()
    other = _rewritten(token, "ES256")[-1]
    first, second = chain(tokens).authenticate(token, ""), chain(tokens).authenticate(other, "")
    assert (first.digest, first.twin) == (second.twin, second.digest)
