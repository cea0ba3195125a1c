"""What a device that is away is told, and who tells it. A notifier takes a notification or says why not; when to try again is not its business."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from chatd.core.graphemes import shorten
from chatd.core.model import NotificationContent, PushDevice
from chatd.core.wire import plain_delivery
from chatd.pb.events.v1.payloads_pb2 import EventDelivery
from chatd.text import one_line

NOTIFIERS = ("log", "exec", "webhook", "webpush")
"""Their names."""


class NotifyFailed(Exception):
    """The notification was not taken; the text says why and holds nothing a stranger wrote.

    ``retry_after``: seconds that the service asks to wait before the next try; 0.0 if it does not ask.
    """

    def __init__(self, text: str, *, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class NotificationRefused(NotifyFailed):
    """This notification will never be taken, however often it is tried."""


class TargetGone(NotifyFailed):
    """The device cannot be notified any more."""


@dataclass(frozen=True, slots=True)
class Notification:
    """``message``: there is something new. ``dismiss``: take the one of this room away. ``test``: an operator tries. ``sent_at_us``: the event's."""

    kind: Literal["message", "dismiss", "test"]
    profile_id: str
    device_id: str
    room_id: str = ""
    room_name: str = ""
    seq: int = 0
    sender_id: str = ""
    badge: int = 0
    """Events the device is owed."""
    preview: str = ""
    """The beginning of what was said, one line; empty when the room hides it."""
    sent_at_us: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As programs outside get it."""
        return asdict(self)


class Notifier(Protocol):
    """One way to notify."""

    async def notify(self, notification: Notification, push: PushDevice) -> None:
        """Raises NotifyFailed, TargetGone."""

    async def close(self) -> None:
        """No more will come."""


def preview_of(notice: NotificationContent, characters: int) -> str:
    """The first ``characters`` (grapheme clusters) of what was said, as one line; empty when there is no text, or it is not to be shown."""
    if not characters or not notice.delivery:
        return ""
    payload = EventDelivery.FromString(plain_delivery(notice.delivery)).payload
    if "text" not in payload.fields:
        return ""
    return shorten(one_line(payload.fields["text"].string_value), characters)
