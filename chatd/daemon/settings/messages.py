"""Sizes of what clients send, and compression of what is stored."""

from collections.abc import Iterator
from typing import ClassVar

from chatd.core.compression import Compressor
from chatd.daemon.settings.section import MIB, Place, Section, number


class MessagesSection(Section):
    """Gateways limit frames, default nodes limit and compress payloads."""

    title: ClassVar[str] = "Messages"

    max_frame_bytes: int = number(
        MIB,
        "Size in bytes of the largest frame that a gateway or default node accepts.",
        unit="bytes",
        ge=4096,
        le=16 * MIB,
    )
    max_payload_bytes: int = number(
        64 * 1024,
        "Size in bytes of the largest payload that one event may have. It must be less than MAX_FRAME_BYTES.",
        unit="bytes",
        ge=64,
        le=8 * MIB,
    )
    compress_min_bytes: int = number(
        1024,
        "Size in bytes from which a payload is compressed, in the database and on its way to devices that "
        "accept it. With 0 none is.",
        unit="bytes",
        ge=0,
        le=8 * MIB,
    )
    compress_level: int = number(
        3,
        "Level of zstd's compression of payloads: a higher level takes more time and saves more.",
        unit="(zstd's level)",
        ge=1,
        le=19,
    )

    def compressor(self) -> Compressor:
        """A new one; it is not for several threads."""
        return Compressor(min_bytes=self.compress_min_bytes, level=self.compress_level)

    def problems(self, place: Place) -> Iterator[str]:
        if self.max_payload_bytes >= self.max_frame_bytes:
            yield (
                f"MAX_PAYLOAD_BYTES: {self.max_payload_bytes} must be less than MAX_FRAME_BYTES, "
                f"{self.max_frame_bytes}"
            )
