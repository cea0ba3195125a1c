"""Notifications to devices that are away, and the notifiers that send them.

A notifier sends a notification or raises the reason why not. Others decide when to try again.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from google.protobuf.message import DecodeError

from chatd.core.graphemes import shorten
from chatd.core.model import NotificationContent, PushDevice
from chatd.core.wire import plain_delivery
from chatd.errors import ChatdError
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.text import one_line

NOTIFIERS = ("log", "exec", "webhook", "webpush")
"""The names of the notifiers there are."""


class NotifyFailed(Exception):
    """The notification was not sent; the text says why, and quotes nothing that came from outside.

    ``retry_after``: seconds that the service asks to wait before the next try; 0.0 if it does not
    ask.
    """

    def __init__(self, text: str, *, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class NotificationRefused(NotifyFailed):
    """This notification will never be sent, however often it is tried."""


class TargetGone(NotifyFailed):
    """The device can no longer be notified this way."""


@dataclass(frozen=True, slots=True)
class Notification:
    """``message``: something new is owed. ``dismiss``: remove this room's one. ``invitation``: to
    this room, by ``sender_id``; nothing else of the room is told. ``test``: an operator's test.

    ``sent_at_us``: when the event was sent, in microseconds since the Unix epoch.
    """

    kind: Literal["message", "dismiss", "invitation", "test"]
    profile_id: str
    device_id: str
    room_id: str = ""
    room_name: str = ""
    seq: int = 0
    sender_id: str = ""
    badge: int = 0
    """The number of events that the device is owed."""
    preview: str = ""
    """The beginning of the event's text, one line; empty if the room hides previews."""
    sent_at_us: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The fields as programs outside get them."""
        return asdict(self)


class Notifier(Protocol):
    """One way to notify."""

    async def notify(self, notification: Notification, push: PushDevice) -> None:
        """Send the notification to a device. Raises NotifyFailed, or TargetGone if retries are
        useless."""

    async def close(self) -> None:
        """Release connections and processes; nothing is sent any more."""


def preview_of(notice: NotificationContent, characters: int) -> str:
    """The first ``characters`` (grapheme clusters) of the event's text, in one line; empty if it
    has none, or hides it."""
    if not characters or not notice.delivery:
        return ""
    try:
        payload = EventDelivery.FromString(plain_delivery(notice.delivery)).payload
    except (ChatdError, DecodeError, IndexError):
        return ""  # damaged where it was stored
    if "text" not in payload.fields:
        return ""
    return shorten(one_line(payload.fields["text"].string_value), characters)
