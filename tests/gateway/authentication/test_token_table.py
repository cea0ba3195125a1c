import statistics
import time
from contextlib import suppress

import pytest

from chatd.core.scopes import ALL_SCOPES, NO_SCOPES
from chatd.errors import InvalidId, PermissionDenied, Unauthenticated
from chatd.gateway.authentication.chain import Authentication
from chatd.gateway.authentication.identity import MAX_TOKEN_CHARACTERS, Identity, digest_of
from chatd.gateway.authentication.revocations import Revocations
from chatd.gateway.authentication.token_table import TokenTable


def table(**profiles: str) -> Authentication:
    """Profiles by their tokens; ``op`` is an operator."""
    made = {
        digest_of(token): Identity(profile, ALL_SCOPES if profile == "op" else NO_SCOPES, digest_of(token))
        for token, profile in profiles.items()
    }
    return Authentication((TokenTable(made),), Revocations(now=time.time), now=time.time)


def test_a_token_is_its_profile_s() -> None:
    tokens = table(t1="alice", t2="op")
    assert tokens.authenticate("t1", "").profile_id == "alice"
    assert tokens.authenticate("t1", "alice").profile_id == "alice"
    acting = tokens.authenticate("t2", "bob")
    assert (acting.profile_id, acting.operator, acting.digest) == ("bob", True, digest_of("t2"))
    with pytest.raises(PermissionDenied):
        tokens.authenticate("t1", "bob")
    with pytest.raises(InvalidId):
        tokens.authenticate("t2", "a b")


@pytest.mark.parametrize("token", ["", "t3", "t1 ", "T1", "\ud800", "t" * (MAX_TOKEN_CHARACTERS + 1)])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(Unauthenticated):
        table(t1="alice").authenticate(token, "")


def test_no_token_is_never_looked_up() -> None:
    """Whatever is in the table."""
    empty = TokenTable({digest_of(""): Identity("op", ALL_SCOPES)})
    tokens = Authentication((empty,), Revocations(now=time.time), now=time.time)
    with pytest.raises(Unauthenticated, match="no token was given"):
        tokens.authenticate("", "")


def test_the_table_holds_no_token() -> None:
    digest = digest_of("canary")
    assert "canary" not in repr(vars(TokenTable({digest: Identity("alice", digest=digest)})))


def median_of(tokens: Authentication, token: str) -> float:
    """Seconds that a look-up takes."""
    taken = []
    for _ in range(200):
        began = time.perf_counter()
        with suppress(Unauthenticated):
            tokens.authenticate(token, "")
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def test_a_token_of_a_megabyte_costs_what_a_short_one_does() -> None:
    """Hashing it would take a thousand times as long."""
    tokens = table(t1="alice")
    assert median_of(tokens, "\u00e9" * 500_000) < 10 * median_of(tokens, "wrong")


def test_a_longer_table_is_not_slower() -> None:
    """A scan of 20,000 tokens took a thousand times as long as a look-up."""
    few, many = (
        table(last="alice"),
        table(**{f"t{number}": f"p{number}" for number in range(20_000)}, last="alice"),
    )

    assert median_of(many, "last") < 20 * median_of(few, "last")
