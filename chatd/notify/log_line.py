"""``log``: a line in chatd's log, without any content."""

import structlog

from chatd.core.model import PushDevice
from chatd.core.notification import Notification

log = structlog.get_logger()


class LogNotifier:
    async def notify(self, notification: Notification, push: PushDevice) -> None:
        log.info(
            "A device that is away is notified",
            kind=notification.kind,
            profile=notification.profile_id,
            device=notification.device_id,
            room=notification.room_id,
            seq=notification.seq,
            badge=notification.badge,
        )

    async def close(self) -> None:
        """Nothing is held."""
