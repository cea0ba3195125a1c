"""Topics that travel together before the body of a message."""

import re
from collections.abc import Iterable, Sequence

END = re.compile(rb"[\0-\x1f]")
"""Ids hold no control characters: the first one ends the topic."""
SPLITS_KEPT = 16 * 1_048_576
"""Bytes of joined topics whose parts are kept at a gateway: a room of a thousand devices has about
25 KB."""
_LONGEST_TOPIC = 300
"""Bytes; more are several."""


def join_topics(topics: Iterable[bytes]) -> bytes:
    """Return what stands before the body of a message for several topics: their joined length in
    four bytes, then the topics."""
    joined = b"".join(topics)
    return len(joined).to_bytes(4, "big") + joined


def split_topics(joined: bytes) -> tuple[bytes, ...]:
    """Topics that were joined; each ends with its control character."""
    topics, start = [], 0
    for found in END.finditer(joined):
        topics.append(joined[start : found.end()])
        start = found.end()
    return tuple(topics)


def cut(frame: bytes, at: int) -> tuple[bytes, bytes]:
    """The parts of ``frame`` from ``at`` on: topics that were joined, and the body."""
    end = at + 4 + int.from_bytes(frame[at : at + 4], "big")
    return frame[at + 4 : end], frame[end:]


def only_device(frame: bytes, at: int) -> tuple[str, str] | None:
    """The profile and the device that such a message is for; None if it is for several, or for
    none."""
    if int.from_bytes(frame[at : at + 4], "big") > _LONGEST_TOPIC:
        return None
    topics = split_topics(cut(frame, at)[0])
    if len(topics) != 1:
        return None
    profile, colon, device = topics[0][:-1].partition(b":")
    return (profile.decode(), device.decode()) if colon else None


class TopicSplits:
    """Splits joined topics; the same tuple each time while it is kept."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Sequence[bytes]] = {}
        self._size = 0

    def split(self, joined: bytes) -> Sequence[bytes]:
        topics = self._kept.get(joined)
        if topics is None:
            self._size += len(joined)
            if self._size > SPLITS_KEPT:
                self._kept.clear()
                self._size = len(joined)
            topics = self._kept[joined] = split_topics(joined)
        return topics
