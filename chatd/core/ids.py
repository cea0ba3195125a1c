"""Ids of profiles, devices, rooms and events, and the topics made of them.

A topic is ``profile:device\\0``. The closing NUL keeps ``u1:dev1`` from being a prefix of
``u1:dev10``: ZeroMQ matches subscriptions by prefix. Neither id may hold ``:`` or NUL.
"""

import re

from chatd.errors import InvalidArgument, InvalidId
from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.text import BREAKING, INVISIBLE, MAX_MARKS, REORDERING, SPACES, characters, is_overloaded, nfc

DELIVERIES, SIGNALS = b"\0", b"\x01"
"""The ends of a device's topics: for deliveries, and for signals, which are not stored."""
WATCH, PRESENCE = b"\x02", b"\x03"
"""The ends of ``profile`` WATCH, the profile's presence for its watchers, and of
``code:profile:device`` PRESENCE, the presence that a device has set (``STATES``)."""
STATES = {b"A": PresenceState.PRESENCE_STATE_AWAY, b"B": PresenceState.PRESENCE_STATE_BUSY}
PRESENCE_CODES = {state: code for code, state in STATES.items()}
"""ONLINE has no code: a device's topic for deliveries shows that it is online."""
ERASED = "erased:"
"""Stands in place of an erased profile's id; no profile can have it."""
MAX_ID_BYTES = 128
MAX_SEQ = 2**63 - 1
_REFUSED = re.compile(f"{characters(BREAKING, REORDERING, SPACES, INVISIBLE)}|:")


def check_id(what: str, value: str) -> str:
    """Return ``value`` in NFC if it is a well-formed id; ``what`` names it in the error.

    1 to 128 bytes of UTF-8, no ``:``, no white space, nothing that steers a terminal, reorders text
    or only shows nothing, no heap of combining marks (``chatd.text``). Raises InvalidId.
    """
    value = nfc(value)
    if not value:
        raise InvalidId(f"{what} is empty")
    found = _REFUSED.search(value)
    if found is not None:
        raise InvalidId(
            f"{what} {value[:40]!a} holds ':', white space or an invisible character: U+{ord(found[0]):04X}"
        )
    if not value.isascii() and is_overloaded(value):
        raise InvalidId(f"{what} has more than {MAX_MARKS} combining marks in a row")
    if len(value) > MAX_ID_BYTES or len(value.encode()) > MAX_ID_BYTES:
        raise InvalidId(f"{what} is longer than {MAX_ID_BYTES} bytes")
    return value


def check_seq(what: str, value: int) -> int:
    """Return ``value`` if it is at most MAX_SEQ; ``what`` names it in the error. Raises
    InvalidArgument."""
    if value > MAX_SEQ:
        raise InvalidArgument(f"{what} {value} is larger than {MAX_SEQ}")
    return value


def topic_of(profile_id: str, device_id: str, kind: bytes = DELIVERIES) -> bytes:
    """A PUB/SUB topic of one device."""
    return f"{profile_id}:{device_id}".encode() + kind


def signals_of(topic: bytes) -> bytes:
    """The topic for signals of the device with this topic for deliveries."""
    return topic[:-1] + SIGNALS


def split_topic(topic: bytes, kind: bytes = DELIVERIES) -> tuple[str, str] | None:
    """Profile and device of a topic that ends with ``kind``; None for anything else."""
    profile, colon, device = topic.partition(b":")
    ends_right = len(device) > 1 and device.find(kind) == len(device) - 1
    if not (profile and colon and ends_right and b":" not in device):
        return None
    try:
        return profile.decode(), device[:-1].decode()
    except UnicodeDecodeError:
        return None


def split_watch(topic: bytes) -> str | None:
    """Profile of a topic that says whom a gateway watches, or None if it is not one."""
    if len(topic) < 2 or not topic.endswith(WATCH) or b":" in topic:
        return None
    try:
        return topic[:-1].decode()
    except UnicodeDecodeError:
        return None


def presence_topic(code: bytes, profile_id: str, device_id: str) -> bytes:
    """The topic that shows the presence of a device."""
    return code + b":" + topic_of(profile_id, device_id, PRESENCE)


def split_presence(topic: bytes) -> tuple[bytes, str, str] | None:
    """Code, profile and device of such a topic; None for anything else."""
    ids = split_topic(topic[2:], PRESENCE)
    return (topic[:1], *ids) if ids is not None and topic[1:2] == b":" and topic[:1] in STATES else None
