"""The commands of the handshake: names, lengths and nonces (RFC 26, "High-level Grammar")."""

from chatd.core.curve.boxes import LONG_NONCE_BYTES, SHORT_NONCE_BYTES, TAG_BYTES
from chatd.core.curve.cookies import COOKIE_BYTES
from chatd.core.curve.errors import CurveError, CurveFailure
from chatd.core.key_pair import KEY_BYTES

HELLO = b"\x05HELLO"
HELLO_START = HELLO + b"\x01\x00" + bytes(72)
"""Name, version 1.0, and padding, so that HELLO is longer than WELCOME and a forged sender address
gains nothing. RFC 26 says 72 octets in its grammar and 70 in its text; 72 make the 200 of both."""
HELLO_TEXT = bytes(64)
HELLO_BYTES = len(HELLO_START) + KEY_BYTES + SHORT_NONCE_BYTES + len(HELLO_TEXT) + TAG_BYTES  # 200
HELLO_NONCE = b"CurveZMQHELLO---"

WELCOME = b"\x07WELCOME"
WELCOME_BYTES = len(WELCOME) + LONG_NONCE_BYTES + KEY_BYTES + COOKIE_BYTES + TAG_BYTES  # 168
WELCOME_NONCE = b"WELCOME-"

INITIATE = b"\x08INITIATE"
VOUCH_BYTES = LONG_NONCE_BYTES + 2 * KEY_BYTES + TAG_BYTES
INITIATE_BYTES = (
    len(INITIATE) + COOKIE_BYTES + SHORT_NONCE_BYTES + KEY_BYTES + VOUCH_BYTES + TAG_BYTES  # 257 and more
)
INITIATE_NONCE = b"CurveZMQINITIATE"
VOUCH_NONCE = b"VOUCH---"

READY = b"\x05READY"
READY_BYTES = len(READY) + SHORT_NONCE_BYTES + TAG_BYTES  # 30 and more
READY_NONCE = b"CurveZMQREADY---"

ERROR = b"\x05ERROR"

MAX_HANDSHAKE_BYTES = 8192
"""Octets of a command before READY, at most: room for much metadata. The limit is ours; a caller
that knows it need not wait for longer frames of strangers."""


def require_bytes(name: str, command: bytes, least: int, most: int) -> None:
    """Raise CurveError if the length of ``command`` is not within ``least`` and ``most``."""
    if not least <= len(command) <= most:
        raise CurveError(CurveFailure.MALFORMED, f"{name} of a wrong length")
