import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.curve.cookies import COOKIE_BYTES, KEY_SECONDS, CookieKeys
from tests.core.curve.wire import NOW

CLIENT, SECRET = b"c" * 32, b"s" * 32


def test_a_cookie_gives_back_what_it_was_made_of() -> None:
    cookies = CookieKeys()
    cookie = cookies.seal(CLIENT, SECRET, NOW)
    assert len(cookie) == COOKIE_BYTES == 96
    assert cookies.open(cookie, NOW) == (CLIENT, SECRET)
    assert cookies.seal(CLIENT, SECRET, NOW) != cookie


@pytest.mark.parametrize("since_key", [0.0, 10.0, 29.9])
def test_a_cookie_is_good_for_half_a_minute_to_a_minute(since_key: float) -> None:
    cookies = CookieKeys()
    cookies.seal(CLIENT, SECRET, NOW)
    cookie = cookies.seal(CLIENT, SECRET, NOW + since_key)
    newer = cookies.seal(CLIENT, SECRET, NOW + 30.0)
    assert cookies.open(cookie, NOW + 59.9) == (CLIENT, SECRET)
    assert cookies.open(cookie, NOW + KEY_SECONDS) is None
    assert cookies.open(newer, NOW + 89.9) == (CLIENT, SECRET)
    assert cookies.open(newer, NOW + 90.0) is None


def test_a_key_is_dropped_when_it_is_too_old() -> None:
    cookies = CookieKeys()
    for at in (0.0, 20.0, 30.0, 45.0):
        cookies.seal(CLIENT, SECRET, NOW + at)
    assert [one.since for one in cookies._keys] == [NOW + 30.0, NOW]
    assert len({one.key for one in cookies._keys}) == 2
    cookies.discard(NOW + 60.0)
    assert [one.since for one in cookies._keys] == [NOW + 30.0]
    cookies.discard(NOW + 90.0)
    assert not cookies._keys


def test_another_listener_cannot_open_a_cookie() -> None:
    ours, theirs = CookieKeys(), CookieKeys()
    theirs.seal(CLIENT, SECRET, NOW)
    assert theirs.open(ours.seal(CLIENT, SECRET, NOW), NOW) is None


def test_each_octet_counts() -> None:
    cookies = CookieKeys()
    cookie = cookies.seal(CLIENT, SECRET, NOW)
    for at in range(len(cookie)):
        changed = bytearray(cookie)
        changed[at] ^= 1
        assert cookies.open(bytes(changed), NOW) is None


@given(st.binary(min_size=COOKIE_BYTES, max_size=COOKIE_BYTES))
def test_octets_of_others_are_no_cookie(cookie: bytes) -> None:
    cookies = CookieKeys()
    cookies.seal(CLIENT, SECRET, NOW)
    assert cookies.open(cookie, NOW) is None


def test_a_key_does_not_show() -> None:
    cookies = CookieKeys()
    cookies.seal(CLIENT, SECRET, NOW)
    assert repr(cookies._keys[0].key) not in repr(cookies._keys)
