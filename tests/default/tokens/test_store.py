"""Revocations in the database: each with a version of its own, which never comes again."""

from chatd.default.tokens.store import FindRevocations, ForgetRevocations, ListRevocations, RevokeTokens
from tests.store.driver import Store

A, B = b"a" * 32, b"b" * 32


def test_each_has_a_higher_version(store: Store) -> None:
    first = store.do(RevokeTokens(A, "", 0))
    second = store.do(RevokeTokens(b"", "alice", 7))
    assert (first.version, second.version) == (1, 2)
    found = store.ask(FindRevocations(0))
    assert (found.revocations, found.newest) == ((first, second), 2)
    assert store.ask(FindRevocations(1)).revocations == (second,)
    assert store.ask(FindRevocations(2)).revocations == ()


def test_once_more_replaces_the_one_before(store: Store) -> None:
    store.do(RevokeTokens(b"", "alice", 0))
    store.do(RevokeTokens(A, "", 0))
    again = store.do(RevokeTokens(b"", "alice", 9))
    assert [one.version for one in store.ask(FindRevocations(0)).revocations] == [2, 3]
    assert store.ask(FindRevocations(2)).revocations == (again,)
    assert again.before_us > 0


def test_what_has_expired_is_forgotten_but_no_version_comes_again(store: Store) -> None:
    store.do(RevokeTokens(A, "", 50))
    store.do(RevokeTokens(b"", "alice", 0))
    store.do(RevokeTokens(B, "", 60))
    store.do(ForgetRevocations(100))
    assert [one.version for one in store.ask(FindRevocations(0)).revocations] == [2, 3], "the newest stays"
    assert store.do(RevokeTokens(A, "", 0)).version == 4
    store.do(ForgetRevocations(100))
    assert [one.version for one in store.ask(FindRevocations(0)).revocations] == [2, 4]


def test_they_are_listed_by_pages(store: Store) -> None:
    for number in range(5):
        store.do(RevokeTokens(bytes([number]) * 32, "", 0))
    page, more = store.ask(ListRevocations(0, 2))
    assert ([one.version for one in page], more) == ([5, 4], True)
    page, more = store.ask(ListRevocations(4, 10))
    assert ([one.version for one in page], more) == ([3, 2, 1], False)
