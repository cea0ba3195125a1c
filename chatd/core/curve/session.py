"""An open connection: each frame of a message is one MESSAGE command (RFC 26, "The MESSAGE
Command").

The nonces of a direction count by one, and so do those of every implementation we know of. A peer's
nonce must be the next one, although RFC 26 and libzmq only ask that it grow: so a frame that was
removed on the way is noticed too.

To seal 300 octets takes 1.7 µs, to open them 2.8 µs, and 1 MiB 1 to 2 ms. A nonce is good for one
frame of one connection, so nothing sealed can be kept or shared between devices.

A frame is sealed where it is sent from, in one buffer: the functions of ``nacl.bindings`` copy it
four times, which costs a room's devices as much as the cipher does.
"""

from nacl._sodium import ffi, lib
from nacl.bindings import crypto_box_open_afternm
from nacl.exceptions import CryptoError

from chatd.core.curve.boxes import SHORT_NONCE_BYTES, TAG_BYTES
from chatd.core.curve.errors import CurveError, CurveFailure

MORE = 0x01
"""Flag of a frame that another frame of its message follows (RFC 26)."""
COMMAND = 0x02
"""Flag of a frame that is a command of ZMTP, PING or PONG: libzmq's, a reserved bit in RFC 26."""

_NAME = b"\x07MESSAGE"
_NONCE_AT = len(_NAME)
_BOX_AT = _NONCE_AT + SHORT_NONCE_BYTES
_FLAGS = (b"\x00", b"\x01", b"\x02")  # MORE and COMMAND at once: a command has one frame only
_TAG_AND_FLAGS = tuple(bytes(TAG_BYTES) + flags for flags in _FLAGS)
OVERHEAD_BYTES = _BOX_AT + TAG_BYTES + len(_FLAGS[0])
"""Octets that a MESSAGE command is longer than the frame in it: 33, the shortest command."""
_FAILED = -2  # no nonce follows it
FROM_CLIENT, FROM_SERVER = b"CurveZMQMESSAGEC", b"CurveZMQMESSAGES"


class CurveSession:
    """Seals and opens the frames of one connection, in the order in which they are sent.

    ``sent`` and ``received`` are the nonces of the last commands in each direction. A direction has
    2**64 - 1 commands, which is more than anything can send.
    """

    __slots__ = ("_key", "_open_prefix", "_received", "_seal_prefix", "_sent")

    def __init__(
        self, key: bytes, seal_prefix: bytes, open_prefix: bytes, *, sent: int, received: int
    ) -> None:
        self._key = key
        self._seal_prefix = seal_prefix
        self._open_prefix = open_prefix
        self._sent = sent
        self._received = received

    def seal(self, frame: bytes, flags: int = 0) -> bytes:
        """A MESSAGE command for ``frame``; ``flags``: 0, MORE or COMMAND. It must be sent, and
        before the next."""
        return bytes(self.seal_behind(b"", frame, flags))

    def seal_behind(self, head: bytes, frame: bytes, flags: int = 0) -> bytearray:
        """The same behind ``head``, in one buffer."""
        self._sent = number = self._sent + 1
        nonce = number.to_bytes(SHORT_NONCE_BYTES, "big")
        sealed = bytearray(head + _NAME + nonce + _TAG_AND_FLAGS[flags])
        text_at = len(sealed) - 1
        sealed += frame
        text = ffi.from_buffer(sealed) + text_at
        size = len(sealed) - text_at
        if lib.crypto_box_easy_afternm(text - TAG_BYTES, text, size, self._seal_prefix + nonce, self._key):
            raise RuntimeError("libsodium cannot seal")
        return sealed

    def open(self, command: bytes) -> tuple[int, bytes]:
        """``(flags, frame)`` of a MESSAGE command. Raises CurveError, and after that for every
        command."""
        expected, self._received = self._received + 1, _FAILED
        nonce = command[_NONCE_AT:_BOX_AT]
        if command[:_NONCE_AT] != _NAME:
            raise CurveError(CurveFailure.UNEXPECTED, "a command that is no MESSAGE on an open connection")
        if len(command) < OVERHEAD_BYTES:
            raise CurveError(CurveFailure.MALFORMED, "a MESSAGE that is too short")
        if int.from_bytes(nonce, "big") != expected:
            raise CurveError(CurveFailure.OUT_OF_SEQUENCE, "a MESSAGE that is not the next one")
        try:
            text = crypto_box_open_afternm(command[_BOX_AT:], self._open_prefix + nonce, self._key)
        except CryptoError:
            text = b""
        if not text:
            raise CurveError(CurveFailure.NOT_AUTHENTIC, "a MESSAGE whose box does not open")
        if text[0] >= len(_FLAGS):
            raise CurveError(CurveFailure.MALFORMED, "a MESSAGE with flags that nobody has defined")
        self._received = expected
        return text[0], text[1:]
