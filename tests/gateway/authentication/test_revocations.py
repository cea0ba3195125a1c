"""Which tokens are covered by what was revoked."""

import pytest

from chatd.core.scopes import ALL_SCOPES
from chatd.errors import Unauthenticated
from chatd.gateway.authentication import revocations as module
from chatd.gateway.authentication.chain import Authentication
from chatd.gateway.authentication.identity import Identity, digest_of
from chatd.gateway.authentication.revocations import Revocations
from chatd.gateway.authentication.token_table import TokenTable
from chatd.pb.node.v1.node_pb2 import Revocation

ALICE = Identity("alice", digest=digest_of("a"), issued_at=100.0)


def made(*given: Revocation, now: float = 0.0) -> Revocations:
    revocations = Revocations(now=lambda: now)
    revocations.add(given)
    return revocations


def test_one_token_by_its_digest() -> None:
    revocations = made(Revocation(digest=digest_of("a"), before_us=1))
    assert revocations.cover(ALICE)
    assert not revocations.cover(Identity("alice", digest=digest_of("b")))
    tokens = Authentication((TokenTable({ALICE.digest: ALICE}),), revocations, now=lambda: 0.0)
    with pytest.raises(Unauthenticated, match="the token was revoked"):
        tokens.authenticate("a", "")


@pytest.mark.parametrize(("seconds", "covered"), [(99, False), (100, True), (101, True)])
def test_a_profile_s_tokens_of_until_then(seconds: int, covered: bool) -> None:
    assert made(Revocation(profile_id="alice", before_us=seconds * 1_000_000)).cover(ALICE) == covered
    assert not made(Revocation(profile_id="bob", before_us=seconds * 1_000_000)).cover(ALICE)


def test_a_token_that_does_not_say_when_it_was_issued() -> None:
    assert made(Revocation(profile_id="alice", before_us=1)).cover(Identity("alice"))


def test_an_operator_s_own_tokens_are_meant_whomever_he_acts_for() -> None:
    acting = Identity("ops", ALL_SCOPES).acting_for("alice")
    assert made(Revocation(profile_id="ops", before_us=1)).cover(acting)
    assert not made(Revocation(profile_id="alice", before_us=1)).cover(acting)


def test_an_earlier_one_that_is_told_later_takes_nothing_back() -> None:
    revocations = made(
        Revocation(profile_id="alice", before_us=200_000_000), Revocation(profile_id="alice", before_us=1)
    )
    assert revocations.cover(ALICE)


def test_those_that_have_expired_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FORGET_FROM", 3)
    revocations = made(now=10.0)
    for number in range(20):
        digest = bytes([number]) * 32
        revocations.add([Revocation(digest=digest, expires_at_us=5_000_000 if number else 0)])
    assert len(revocations._digests) <= 4
    assert revocations.cover(Identity("alice", digest=bytes(32))), "one that never expires"
