"""Ids of profiles, devices, rooms and events, and the topics made of them.

A topic is ``profile:device\\0``. The closing NUL keeps ``u1:dev1`` from being a prefix of
``u1:dev10`` (ZeroMQ matches subscriptions by prefix), and neither id may hold ``:`` or NUL.
"""

import re

from chatd.errors import InvalidArgument, InvalidId
from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.text import BREAKING, INVISIBLE, REORDERING, SPACES, characters, nfc

DELIVERIES, SIGNALS = b"\0", b"\x01"
"""The ends of a device's topics: one for what it is owed, one for what is said in passing."""
WATCH, PRESENCE = b"\x02", b"\x03"
"""``profile`` WATCH: how the profile is; ``letter:profile:device`` PRESENCE: what the device says that it is (``STATES``)."""
STATES = {b"A": PresenceState.PRESENCE_STATE_AWAY, b"B": PresenceState.PRESENCE_STATE_BUSY}
LETTERS = {state: letter for letter, state in STATES.items()}
"""A device that is ONLINE need not say so: its topic for deliveries does."""
MAX_ID_BYTES = 128
MAX_SEQ = 2**63 - 1
_REFUSED = re.compile(f"{characters(BREAKING, REORDERING, SPACES, INVISIBLE)}|:")


def check_id(what: str, value: str) -> str:
    """Return ``value`` in NFC if it is a well-formed id; ``what`` names it in the error.

    1 to 128 bytes of UTF-8, no ``:``, no white space, nothing that steers a terminal, reorders text or only shows nothing
    (``chatd.text``). Raises InvalidId.
    """
    value = nfc(value)
    if not value:
        raise InvalidId(f"{what} is empty")
    found = _REFUSED.search(value)
    if found is not None:
        raise InvalidId(f"{what} {value[:40]!a} holds ':', white space or an invisible character: U+{ord(found[0]):04X}")
    if len(value) > MAX_ID_BYTES or len(value.encode()) > MAX_ID_BYTES:
        raise InvalidId(f"{what} is longer than {MAX_ID_BYTES} bytes")
    return value


def check_seq(what: str, value: int) -> int:
    """Return ``value`` if a database can hold it as a seq; ``what`` names it in the error. Raises InvalidArgument."""
    if value > MAX_SEQ:
        raise InvalidArgument(f"{what} {value} is larger than {MAX_SEQ}")
    return value


def topic_of(profile_id: str, device_id: str, kind: bytes = DELIVERIES) -> bytes:
    """A PUB/SUB topic of one device."""
    return f"{profile_id}:{device_id}".encode() + kind


def signals_of(topic: bytes) -> bytes:
    """The signals' topic of the device whose topic for deliveries this is."""
    return topic[:-1] + SIGNALS


def split_topic(topic: bytes, kind: bytes = DELIVERIES) -> tuple[str, str] | None:
    """Profile and device of a whole topic, or None if it is not one."""
    profile, colon, device = topic.partition(b":")
    if not (profile and colon and len(device) > 1 and device.find(kind) == len(device) - 1 and b":" not in device):
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


def presence_topic(letter: bytes, profile_id: str, device_id: str) -> bytes:
    """The topic that says how reachable a device is."""
    return letter + b":" + topic_of(profile_id, device_id, PRESENCE)


def split_presence(topic: bytes) -> tuple[bytes, str, str] | None:
    """Letter, profile and device of such a topic, or None if it is not one."""
    ids = split_topic(topic[2:], PRESENCE)
    return (topic[:1], *ids) if ids is not None and topic[1:2] == b":" and topic[:1] in STATES else None
