"""The chain: the first authenticator that knows a token says whose it is, and what it may."""

import time
from dataclasses import replace

import pytest

from chatd.core.scopes import Scope
from chatd.errors import PermissionDenied, TokenExpired, Unauthenticated
from chatd.gateway.authentication.chain import Authentication
from chatd.gateway.authentication.identity import Identity, digest_of
from chatd.gateway.authentication.revocations import Revocations
from chatd.gateway.authentication.token_table import TokenTable

ALICE = Identity("alice", digest=digest_of("a"))
OPS = Identity("ops", frozenset({Scope.READ, Scope.OPERATE}), digest_of("o"))


def table(*identities: Identity) -> TokenTable:
    return TokenTable({identity.digest: identity for identity in identities})


def chain(*tables: TokenTable, now: float = 100.0) -> Authentication:
    return Authentication(tables, Revocations(now=time.time), now=lambda: now)


def test_the_first_that_knows_a_token_says_whose_it_is() -> None:
    tokens = chain(table(ALICE), table(replace(ALICE, profile_id="other"), OPS))
    assert tokens.authenticate("a", "").profile_id == "alice"
    assert tokens.authenticate("o", "").profile_id == "ops"
    with pytest.raises(Unauthenticated):
        tokens.authenticate("x", "")


def test_a_token_ends_when_it_expires() -> None:
    brief = replace(ALICE, expires_at=100.5)
    assert chain(table(brief), now=100.4).authenticate("a", "") is brief
    with pytest.raises(TokenExpired):
        chain(table(brief), now=100.5).authenticate("a", "")


def test_acting_for_others_needs_the_scope() -> None:
    bob = chain(table(OPS)).authenticate("o", "bob")
    assert (bob.profile_id, bob.owner, bob.scopes) == ("bob", "ops", OPS.scopes)
    bound = Identity("ops", OPS.scopes, b"d", "file", frozenset({"phone"}), b"k", 1.0, 2.0, b"t")
    assert bound.acting_for("bob") == replace(bound, profile_id="bob", token_profile_id="ops")
    with pytest.raises(PermissionDenied, match="operate"):
        chain(table(replace(OPS, scopes=frozenset({Scope.READ, Scope.ERASE})))).authenticate("o", "bob")


def test_what_a_token_shows_by_now() -> None:
    bob = OPS.acting_for("bob")
    fewer = replace(OPS, scopes=frozenset({Scope.OPERATE}))
    assert chain(table(fewer)).confirm(bob) == fewer.acting_for("bob")
    assert chain(table(replace(OPS, scopes=frozenset({Scope.READ})))).confirm(bob) is None
    assert chain(table(ALICE)).confirm(bob) is None
    assert chain(table(replace(ALICE, profile_id="other"))).confirm(ALICE) is None


def test_a_key_and_devices_bind_a_token() -> None:
    bound = replace(ALICE, key=b"k" * 32, devices=frozenset({"phone"}))
    bound.check_key(b"k" * 32)
    bound.check_device("phone")
    for key in (b"", b"x" * 32):
        with pytest.raises(PermissionDenied):
            bound.check_key(key)
    with pytest.raises(PermissionDenied):
        bound.check_device("laptop")
    ALICE.check_key(b"")
    ALICE.check_key(b"x" * 32)
    ALICE.check_device("laptop")
