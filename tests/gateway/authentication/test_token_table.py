import statistics
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from chatd.core.scopes import ALL_SCOPES, NO_SCOPES
from chatd.errors import InvalidId, PermissionDenied, Unauthenticated
from chatd.gateway.authentication.chain import Authentication
from chatd.gateway.authentication.identity import MAX_TOKEN_CHARACTERS, Identity, digest_of
from chatd.gateway.authentication.revocations import Revocations
from chatd.gateway.authentication.token_table import TokenTable
from chatd.pb.node.v1.node_pb2 import Revocation


def table(revoked: Iterable[str] = (), /, **profiles: str) -> Authentication:
    """Profiles by their tokens; ``op`` is an operator."""
    made = {
        digest_of(token): Identity(profile, ALL_SCOPES if profile == "op" else NO_SCOPES, digest_of(token))
        for token, profile in profiles.items()
    }
    revocations = Revocations(now=time.time)
    revocations.add(Revocation(digest=digest_of(token)) for token in revoked)
    return Authentication((TokenTable(made),), revocations, now=time.time)


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
    """This holds for every table."""
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


def lines_of(tokens: Authentication, token: str) -> int:
    """Lines of Python that a look-up executes."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(Unauthenticated):
            tokens.authenticate(token, "")
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("token", ["last", "wrong", "revoked"])
def test_a_look_up_does_the_same_among_any_number_of_tokens(token: str) -> None:
    """A scan of 20,000 took a millisecond."""

    def lines(others: int) -> int:
        names = [f"t{number}" for number in range(others)]
        profiles = dict.fromkeys((*names, "last", "revoked"), "alice")
        return lines_of(table((*names, "revoked"), **profiles), token)

    assert lines(300) == lines(1) > 0
