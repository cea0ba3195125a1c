"""AdminService's calls about notifications. Their contents are never shown."""

from collections.abc import Callable

from chatd.core.ids import check_id
from chatd.core.model import PushDevice
from chatd.default.answer import (
    Answer,
    Call,
    Caller,
    CallStore,
    Later,
    Read,
    ReadFirst,
    Refuse,
    Respond,
    Role,
    Write,
)
from chatd.default.limits import page_limit
from chatd.default.notifications.model import QueuedNotification
from chatd.default.notifications.push import GetPush, HasDevice
from chatd.default.notifications.queue import (
    DEAD_AT_ONCE,
    NEWEST,
    DropNotifications,
    ListNotifications,
    RetryNotifications,
)
from chatd.default.part import Part
from chatd.errors import DeviceNotFound, InvalidArgument
from chatd.pb.admin.v1 import admin_pb2

_STATES = {
    admin_pb2.NOTIFICATION_STATE_UNSPECIFIED: "",
    admin_pb2.NOTIFICATION_STATE_WAITING: "waiting",
    admin_pb2.NOTIFICATION_STATE_SENT: "sent",
    admin_pb2.NOTIFICATION_STATE_DEAD: "dead",
}
_NUMBERS = {name: number for number, name in _STATES.items() if name}

Test = Callable[[str, str, PushDevice, Callable[[str], None]], None]
"""Notifies a device (profile, device, how) and calls back with what went wrong, or nothing."""


class NotificationAdmin:
    """``test`` notifies a device at once."""

    def __init__(self, test: Test) -> None:
        self._test = test
        self.part = Part(
            calls=(
                Call(
                    "AdminService/TestNotification",
                    admin_pb2.TestNotificationRequest,
                    Role.OPERATE,
                    self.test_notification,
                ),
                Call(
                    "AdminService/ListNotifications",
                    admin_pb2.ListNotificationsRequest,
                    Role.READ,
                    self.list_notifications,
                ),
                Call(
                    "AdminService/RetryNotifications",
                    admin_pb2.RetryNotificationsRequest,
                    Role.OPERATE,
                    self.retry_notifications,
                ),
                Call(
                    "AdminService/DropNotifications",
                    admin_pb2.DropNotificationsRequest,
                    Role.OPERATE,
                    self.drop_notifications,
                ),
            )
        )

    def test_notification(self, caller: Caller, request: admin_pb2.TestNotificationRequest) -> Answer:
        """Notify a device now, connected or not, and say what came of it."""
        profile_id, device_id = (
            check_id("profile_id", request.profile_id),
            check_id("device_id", request.device_id),
        )

        def refuse_to(exists: bool) -> Answer:
            if exists:
                raise InvalidArgument(f"device '{device_id}' of '{profile_id}' has no notifier")
            raise DeviceNotFound(f"no device '{device_id}' of '{profile_id}'")

        def then(push: PushDevice | None) -> Answer:
            if push is None:
                return ReadFirst(HasDevice(profile_id, device_id), refuse_to)
            notifier = push.notifier

            def begin(store: CallStore, respond: Respond, refuse: Refuse) -> None:
                def tried(error: str) -> None:
                    respond(
                        admin_pb2.TestNotificationResponse(notifier=notifier, sent=not error, error=error)
                    )

                self._test(profile_id, device_id, push, tried)

            return Later(begin)

        return ReadFirst(GetPush(profile_id, device_id), then)

    def list_notifications(self, caller: Caller, request: admin_pb2.ListNotificationsRequest) -> Answer:
        """Rows of the queue, the newest first."""

        def then(page: tuple[tuple[QueuedNotification, ...], bool]) -> admin_pb2.ListNotificationsResponse:
            rows, more = page
            return admin_pb2.ListNotificationsResponse(
                notifications=map(_to_pb, rows), more=more, next_after=NEWEST.place_of(rows, more)
            )

        return Read(
            ListNotifications(
                _STATES.get(request.state, "none"),
                request.profile_id,
                page_limit(request.limit),
                NEWEST.read_place(request.after),
            ),
            then,
        )

    def retry_notifications(self, caller: Caller, request: admin_pb2.RetryNotificationsRequest) -> Answer:
        """A page of dead notifications is tried again."""
        command = RetryNotifications(request.profile_id, request.device_id)

        def then(count: int) -> admin_pb2.RetryNotificationsResponse:
            return admin_pb2.RetryNotificationsResponse(retried=count, more=count == DEAD_AT_ONCE)

        return Write(command, then)

    def drop_notifications(self, caller: Caller, request: admin_pb2.DropNotificationsRequest) -> Answer:
        """A page of dead notifications is deleted."""
        command = DropNotifications(request.profile_id, request.device_id)

        def then(count: int) -> admin_pb2.DropNotificationsResponse:
            return admin_pb2.DropNotificationsResponse(dropped=count, more=count == DEAD_AT_ONCE)

        return Write(command, then)


def _to_pb(row: QueuedNotification) -> admin_pb2.Notification:
    found = admin_pb2.Notification(
        profile_id=row.profile_id,
        device_id=row.device_id,
        notifier=row.notifier,
        room_id=row.room_id,
        seq=row.seq,
        attempts=row.attempts,
        error=row.error,
        at_us=row.at_us,
    )
    found.state = _NUMBERS[row.state]
    return found
