"""Ids of profiles, devices, rooms and events, and the topics made of them.

A topic is ``profile:device\\0``. The closing NUL keeps ``u1:dev1`` from being a prefix of
``u1:dev10`` (ZeroMQ matches subscriptions by prefix), and neither id may hold ``:`` or NUL.
"""

from chatd.errors import InvalidArgument, InvalidId

MAX_ID_BYTES = 128
MAX_SEQ = 2**63 - 1


def check_id(what: str, value: str) -> str:
    """Return ``value`` if it is a well-formed id; ``what`` names it in the error.

    1 to 128 bytes of UTF-8, printable, no white space, no ``:``. Raises InvalidId.
    """
    if not value:
        raise InvalidId(f"{what} is empty")
    if len(value) > MAX_ID_BYTES or len(value.encode("utf-8", "replace")) > MAX_ID_BYTES:
        raise InvalidId(f"{what} is longer than {MAX_ID_BYTES} bytes")
    if ":" in value or not value.isprintable() or " " in value:
        raise InvalidId(f"{what} {value[:40]!a} holds ':', white space or an unprintable character")
    return value


def check_seq(what: str, value: int) -> int:
    """Return ``value`` if a database can hold it as a seq; ``what`` names it in the error. Raises InvalidArgument."""
    if value > MAX_SEQ:
        raise InvalidArgument(f"{what} {value} is larger than {MAX_SEQ}")
    return value


def topic_of(profile_id: str, device_id: str) -> bytes:
    """The PUB/SUB topic of one device."""
    return f"{profile_id}:{device_id}\0".encode()


def split_topic(topic: bytes) -> tuple[str, str] | None:
    """Profile and device of a whole topic, or None if it is not one."""
    profile, colon, device = topic.partition(b":")
    if not (profile and colon and len(device) > 1 and device.find(b"\0") == len(device) - 1 and b":" not in device):
        return None
    try:
        return profile.decode(), device[:-1].decode()
    except UnicodeDecodeError:
        return None
