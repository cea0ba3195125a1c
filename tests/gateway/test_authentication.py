import statistics
import time

import pytest

from chatd.errors import InvalidId, PermissionDenied, Unauthenticated
from chatd.gateway.authentication import MAX_TOKEN_CHARACTERS, Identity, TokenTable, digest_of


def table(**profiles: str) -> TokenTable:
    """Profiles by their tokens; ``op`` is an operator."""
    made = {
        digest_of(token): Identity(profile, profile == "op", digest_of(token))
        for token, profile in profiles.items()
    }
    return TokenTable(made)


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
    tokens = TokenTable({digest_of(""): Identity("op", operator=True)})
    with pytest.raises(Unauthenticated, match="no token was given"):
        tokens.authenticate("", "")


def test_the_table_holds_no_token() -> None:
    assert "canary" not in repr(vars(table(canary="alice")))


def test_a_longer_table_is_not_slower() -> None:
    """A scan of 20,000 tokens took a thousand times as long as a look-up."""
    few, many = (
        table(last="alice"),
        table(**{f"t{number}": f"p{number}" for number in range(20_000)}, last="alice"),
    )

    def seconds(tokens: TokenTable) -> float:
        taken = []
        for _ in range(200):
            began = time.perf_counter()
            tokens.authenticate("last", "")
            taken.append(time.perf_counter() - began)
        return statistics.median(taken)

    assert seconds(many) < 20 * seconds(few)
