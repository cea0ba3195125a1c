"""libsodium's boxes as the handshakes use them: None in place of the library's errors.

Nonces are 24 octets: a prefix that names the command, then 16 random ones (a long nonce) or a
counter of 8 (a short one; RFC 26, "General Design").
"""

from nacl.bindings import crypto_box_afternm, crypto_box_beforenm, crypto_box_open_afternm, sodium_memcmp
from nacl.exceptions import CryptoError

TAG_BYTES = 16
"""Octets that a box is longer than its text."""
SHORT_NONCE_BYTES = 8
LONG_NONCE_BYTES = 16
_FIELD = 2**255 - 19


def shared_key(public: bytes, secret: bytes) -> bytes | None:
    """The key of all boxes between two pairs; None if no pair has ``public``.

    Those are the few points that yield the same key whatever the secret is, and numbers beyond the
    field (RFC 7748), which would be second names of the same key, for lists of keys to miss.
    """
    if int.from_bytes(public, "little") >= _FIELD:
        return None
    try:
        return crypto_box_beforenm(public, secret)
    except CryptoError:
        return None


def seal(text: bytes, nonce: bytes, key: bytes) -> bytes:
    """A box under a shared key."""
    return crypto_box_afternm(text, nonce, key)


def open_box(box: bytes, nonce: bytes, key: bytes | None) -> bytes | None:
    """The text of a box, or None if it was not made with this key and nonce; also if there is no
    key."""
    if key is None:
        return None
    try:
        return crypto_box_open_afternm(box, nonce, key)
    except CryptoError:
        return None


def same(one: bytes, other: bytes) -> bool:
    """True if both are equal, in a time that does not tell where they differ."""
    return sodium_memcmp(one, other)
