"""The one error tree: stable code, whose fault, whether to retry, whether the stream closes.

``proto/PROTOCOL.md`` shows the same table. A library's error is turned into one of these
once, at its boundary, ``from exc``.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal


class ChatdError(Exception):
    """Base of everything chatd refuses. ``str(error)`` is a sentence for people, whoever they are.
    ``detail`` is for the logs of this process alone: files, addresses, statements, a library's own
    words."""

    code: ClassVar[int] = 500
    name: ClassVar[str] = "INTERNAL"
    fault: ClassVar[Literal["client", "server"]] = "server"
    retry: ClassVar[bool] = False
    closes: ClassVar[bool] = False
    retry_after_ms: int = 0
    """Not before then, if it can be said."""

    def __init__(self, sentence: str = "", *, detail: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail

    @property
    def explained(self) -> str:
        """The sentence with its detail, for logs."""
        return f"{self}: {self.detail}" if self.detail else str(self)


class ClientError(ChatdError):
    """The client's fault; the same request will fail again."""

    fault = "client"


class MalformedFrame(ClientError):
    code, name = 100, "MALFORMED_FRAME"


class FrameTooLarge(ClientError):
    code, name = 101, "FRAME_TOO_LARGE"


class UnknownFrame(ClientError):
    code, name = 102, "UNKNOWN_FRAME"


class UnsupportedVersion(ClientError):
    code, name, closes = 103, "UNSUPPORTED_VERSION", True


class NoStream(ClientError):
    code, name, retry, closes = 104, "NO_STREAM", True, True


class Unauthenticated(ClientError):
    code, name, closes = 200, "UNAUTHENTICATED", True


class PermissionDenied(ClientError):
    code, name = 201, "PERMISSION_DENIED"


class TokenExpired(ClientError):
    code, name, closes = 202, "TOKEN_EXPIRED", True


class UnknownMethod(ClientError):
    code, name = 300, "UNKNOWN_METHOD"


class InvalidArgument(ClientError):
    code, name = 301, "INVALID_ARGUMENT"


class InvalidId(ClientError):
    code, name = 302, "INVALID_ID"


class InvalidText(ClientError):
    code, name = 303, "INVALID_TEXT"


class PayloadTooLarge(ClientError):
    code, name = 304, "PAYLOAD_TOO_LARGE"


class RoomNotFound(ClientError):
    code, name = 400, "ROOM_NOT_FOUND"


class NotAMember(ClientError):
    code, name = 401, "NOT_A_MEMBER"


class AlreadyExists(ClientError):
    code, name = 402, "ALREADY_EXISTS"


class EventIdReused(ClientError):
    code, name = 403, "EVENT_ID_REUSED"


class EventNotFound(ClientError):
    code, name = 404, "EVENT_NOT_FOUND"


class RequestIdReused(ClientError):
    code, name = 405, "REQUEST_ID_REUSED"


class LimitReached(ClientError):
    code, name = 406, "LIMIT"


class DeviceNotFound(ClientError):
    code, name = 407, "DEVICE_NOT_FOUND"


class Conflict(ClientError):
    """The room is not as the call needs or expects it."""

    code, name = 408, "CONFLICT"


class Internal(ChatdError):
    """A fault in chatd; its log says more."""


class Unavailable(ChatdError):
    """No node could take the request, or its outcome is unknown; retrying is safe (sends carry
    ids, and so do other calls that change something)."""

    code, name, retry = 501, "UNAVAILABLE", True


class TimedOut(ChatdError):
    code, name, retry = 502, "TIMED_OUT", True


class Overloaded(ChatdError):
    code, name, retry = 503, "OVERLOADED", True


class StoreFailed(ChatdError):
    code, name, retry = 504, "STORE_FAILED", True


class Superseded(ClientError):
    code, name, closes = 600, "SUPERSEDED", True


class HeartbeatLost(ClientError):
    code, name, retry, closes = 601, "HEARTBEAT_LOST", True, True


class Draining(ChatdError):
    code, name, retry, closes = 602, "DRAINING", True, True


class AckAhead(ClientError):
    code, name, closes = 603, "ACK_AHEAD", True


class NotInFlight(ClientError):
    code, name = 604, "NOT_IN_FLIGHT"


class StreamUnknown(ChatdError):
    code, name, retry, closes = 605, "STREAM_UNKNOWN", True, True


class RateLimited(ClientError):
    code, name, retry = 606, "RATE_LIMITED", True


class TooManyDevices(ClientError):
    code, name, closes = 607, "TOO_MANY_DEVICES", True


class Kicked(ChatdError):
    code, name, retry, closes = 608, "KICKED", True, True


class Overtaken(ClientError):
    code, name, retry, closes = 609, "OVERTAKEN", True, True


class ConfigError(ChatdError):
    """A setting can never work or would break a promise; never sent over the wire. The process
    exits with 2."""

    code, name = 900, "CONFIG"


class StartFailed(ChatdError):
    """A start needs something that is not there yet, or that another process has: it may pass by
    itself. Never sent over the wire. The process exits with 1, and whoever supervises it starts it
    again."""

    code, name = 901, "START"


_LASTING = (
    errno.EINVAL,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.EPROTONOSUPPORT,
    errno.EAFNOSUPPORT,
)


def os_error(what: str, exc: OSError) -> ConfigError | StartFailed:
    """The error for a place that the system refuses: ConfigError if it can never work. A folder
    that is missing, read-only or another user's may be a disk that is not mounted yet."""
    text = f"{what}: {exc.strerror}"
    return ConfigError(text) if exc.errno in _LASTING else StartFailed(text)


@contextmanager
def extra(name: str, needed_by: str) -> Iterator[None]:
    """Import what the extra ``name`` brings. Raises ConfigError if that is not installed.
    ``needed_by`` is what somebody asked for."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] in ("chatd", "chatctl"):
            raise  # a fault of ours
        raise ConfigError(
            f"{needed_by} needs the extra {name}, which is not installed: pip install 'chatd[{name}]', or make "
            f"install EXTRAS={name} where make has installed chatd"
        ) from exc


WIRE_ERRORS: dict[int, type[ChatdError]] = {
    cls.code: cls
    for cls in (
        MalformedFrame,
        FrameTooLarge,
        UnknownFrame,
        UnsupportedVersion,
        NoStream,
        Unauthenticated,
        PermissionDenied,
        TokenExpired,
        UnknownMethod,
        InvalidArgument,
        InvalidId,
        InvalidText,
        PayloadTooLarge,
        RoomNotFound,
        NotAMember,
        AlreadyExists,
        EventIdReused,
        EventNotFound,
        RequestIdReused,
        LimitReached,
        DeviceNotFound,
        Conflict,
        Internal,
        Unavailable,
        TimedOut,
        Overloaded,
        StoreFailed,
        Superseded,
        HeartbeatLost,
        Draining,
        AckAhead,
        NotInFlight,
        StreamUnknown,
        RateLimited,
        TooManyDevices,
        Kicked,
        Overtaken,
    )
}
"""Every error a peer can be told, by its code."""
