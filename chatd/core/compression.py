"""Payloads as zstd frames, made once an event; and undoing that without believing what a stranger's frame says of itself.

Every frame declares the size of its content. What does not is refused, as is what declares more than the reader allows, or holds more or less than
it declares.
"""

import zstandard

from chatd.errors import MalformedFrame, PayloadTooLarge

LARGEST_CONTENT = 16_777_216
"""Bytes that any reader takes; MAX_PAYLOAD_BYTES may be less, never more."""

_MAGIC = b"\x28\xb5\x2f\xfd"
_WORTH = 0.9  # a frame that is not smaller than this share is not worth undoing


class Compressor:
    """``min_bytes``: smaller payloads are left alone; 0: all are. ``level`` is zstd's. Not for several threads at once."""

    def __init__(self, *, min_bytes: int, level: int) -> None:
        self._min_bytes = min_bytes
        self._zstd = zstandard.ZstdCompressor(level=level, write_content_size=True)

    def compress(self, payload: bytes) -> bytes | None:
        """A frame, or None when it does not pay."""
        if not self._min_bytes or len(payload) < self._min_bytes:
            return None
        frame = self._zstd.compress(payload)
        return frame if len(frame) < _WORTH * len(payload) else None


def decompress(frame: bytes, limit: int = LARGEST_CONTENT) -> bytes:
    """What a frame holds, ``limit`` bytes at most. Raises PayloadTooLarge by what the frame declares, MalformedFrame for anything but one
    whole frame that declares its size and keeps to it."""
    try:
        declared = zstandard.frame_content_size(frame) if frame.startswith(_MAGIC) else 0
        if declared <= 0:
            raise MalformedFrame("the compressed payload is no zstd frame that declares its size, or it is empty")
        if declared > limit:
            raise PayloadTooLarge(f"the compressed payload holds {declared} bytes; the limit is {limit}")
        # The content's size bounds the output; a frame that goes on beyond it, or is followed by anything, is an error.
        content = zstandard.ZstdDecompressor().decompress(frame, max_output_size=declared, allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise MalformedFrame("the compressed payload is not one whole zstd frame") from exc
    if len(content) != declared:
        raise MalformedFrame(f"the compressed payload holds {len(content)} bytes and declares {declared}")
    return content
