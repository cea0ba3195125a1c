"""Cookies: what a server would have to remember between WELCOME and INITIATE, sealed and given to
the client.

RFC 26 lets a cookie key live for a short interval, for example 60 seconds. Here a key seals for the
first half of that and opens for all of it, so a cookie is good for 30 to 60 seconds.
"""

from dataclasses import dataclass, field
from secrets import token_bytes

from nacl.bindings import crypto_secretbox, crypto_secretbox_open
from nacl.exceptions import CryptoError

from chatd.core.curve.boxes import LONG_NONCE_BYTES, TAG_BYTES
from chatd.core.key_pair import KEY_BYTES

KEY_SECONDS = 60.0
"""Seconds that a cookie key lives (RFC 26, "The WELCOME Command")."""
_SEALING_SECONDS = KEY_SECONDS / 2
_PREFIX = b"COOKIE--"
COOKIE_BYTES = LONG_NONCE_BYTES + 2 * KEY_BYTES + TAG_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class _CookieKey:
    since: float
    key: bytes = field(repr=False)


class CookieKeys:
    """The cookie keys of a listener. ``now`` is in seconds of a steady clock."""

    def __init__(self) -> None:
        self._keys: list[_CookieKey] = []  # the newest first

    def discard(self, now: float) -> None:
        """Forget the keys that are too old."""
        self._keys = [one for one in self._keys if now - one.since < KEY_SECONDS]

    def seal(self, client: bytes, secret: bytes, now: float) -> bytes:
        """A cookie with the client's transient public key and the server's transient secret
        one."""
        self.discard(now)
        if not self._keys or now - self._keys[0].since >= _SEALING_SECONDS:
            self._keys.insert(0, _CookieKey(now, token_bytes(KEY_BYTES)))
        nonce = token_bytes(LONG_NONCE_BYTES)
        return nonce + crypto_secretbox(client + secret, _PREFIX + nonce, self._keys[0].key)

    def open(self, cookie: bytes, now: float) -> tuple[bytes, bytes] | None:
        """The two keys in a cookie; None if it is too old or not one of these."""
        self.discard(now)
        nonce, box = _PREFIX + cookie[:LONG_NONCE_BYTES], cookie[LONG_NONCE_BYTES:]
        for one in self._keys:
            try:
                text = crypto_secretbox_open(box, nonce, one.key)
            except CryptoError:
                continue
            return text[:KEY_BYTES], text[KEY_BYTES:]
        return None
