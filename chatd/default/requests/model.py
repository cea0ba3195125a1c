"""Values of calls that may come again."""

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A profile's request id, and the digest of what it was used for."""

    profile_id: str
    request_id: str
    content_hash: bytes


def request_key(profile_id: str, request_id: str, method: str, payload: bytes) -> RequestKey:
    """``payload``: the encoded request, byte by byte."""
    digest = blake2b(method.encode() + b"\0" + payload, digest_size=16).digest()
    return RequestKey(profile_id, request_id, digest)


@dataclass(frozen=True, slots=True)
class Answered:
    """The encoded answer to a call that may come again. ``result`` is what its command brought;
    ``is_repeated``: that was an earlier attempt, and nothing has been done now."""

    answer: bytes
    result: object = None
    is_repeated: bool = False
