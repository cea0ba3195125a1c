"""Payloads as zstd frames: compressed once, and decompressed without trust in what a frame
declares.

Every frame declares the size of its content. A frame is refused if it declares no size, or more
than the reader allows, or if its content is longer or shorter than declared.
"""

import zstandard

from chatd.errors import MalformedFrame, PayloadTooLarge

LARGEST_CONTENT = 16_777_216
"""Bytes of content that every reader accepts. MAX_PAYLOAD_BYTES may be less, never more."""

_MAGIC = b"\x28\xb5\x2f\xfd"
_WORTH = 0.9  # a frame larger than this share of its content is not worth the work of decompressing it


class Compressor:
    """Compresses payloads from ``min_bytes`` on, none if that is 0. ``level``: zstd's. Not
    thread-safe."""

    def __init__(self, *, min_bytes: int, level: int) -> None:
        self._min_bytes = min_bytes
        self._zstd = zstandard.ZstdCompressor(level=level, write_content_size=True)

    def compress(self, payload: bytes) -> bytes | None:
        """The payload as a frame; None if that saves less than a tenth."""
        if not self._min_bytes or len(payload) < self._min_bytes:
            return None
        frame = self._zstd.compress(payload)
        return frame if len(frame) < _WORTH * len(payload) else None


def decompress(frame: bytes, limit: int = LARGEST_CONTENT) -> bytes:
    """The content of a frame.

    Raises PayloadTooLarge if the frame declares more than ``limit`` bytes, and MalformedFrame if it
    is not exactly one whole frame with the size that it declares.
    """
    try:
        declared = zstandard.frame_content_size(frame) if frame.startswith(_MAGIC) else 0
        if declared <= 0:
            raise MalformedFrame("the compressed payload is empty or no zstd frame with a declared size")
        if declared > limit:
            raise PayloadTooLarge(f"the compressed payload declares {declared} bytes; the limit is {limit}")
        # The declared size bounds the output. Content beyond it, or bytes behind the frame, are
        # errors.
        decompressor = zstandard.ZstdDecompressor()
        content = decompressor.decompress(frame, max_output_size=declared, allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise MalformedFrame("the compressed payload is not one whole zstd frame") from exc
    if len(content) != declared:
        raise MalformedFrame(f"the compressed payload holds {len(content)} bytes and declares {declared}")
    return content
