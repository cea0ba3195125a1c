"""AdminService, the part about notifications: try one, see the queue, retry or drop what is dead. Operators only; contents are never shown."""

from collections.abc import Callable

from google.protobuf.message import Message

from chatd.control.admin_service import limit_of
from chatd.core.ids import check_id
from chatd.core.model import PushDevice, QueuedNotification
from chatd.default.answer import Answer, Caller, Later, Method, Read, Write, parse
from chatd.errors import ChatdError, EventNotFound
from chatd.pb.admin.v1 import admin_pb2
from chatd.store import commands as c
from chatd.store import queries as q
from chatd.store.access import StoreAccess

_STATES = {
    admin_pb2.NOTIFICATION_STATE_UNSPECIFIED: "",
    admin_pb2.NOTIFICATION_STATE_WAITING: "waiting",
    admin_pb2.NOTIFICATION_STATE_SENT: "sent",
    admin_pb2.NOTIFICATION_STATE_DEAD: "dead",
}
_NUMBERS = {name: number for number, name in _STATES.items() if name}

Test = Callable[[str, str, PushDevice, Callable[[str], None]], None]


class NotificationService:
    """``test`` notifies a device and gives what went wrong."""

    def __init__(self, store: StoreAccess, *, test: Test) -> None:
        self._store = store
        self._test = test
        self.methods: dict[str, Method] = {
            "AdminService/TestNotification": self.test_notification,
            "AdminService/ListNotifications": self.list_notifications,
            "AdminService/RetryNotifications": self.retry_notifications,
            "AdminService/DropNotifications": self.drop_notifications,
        }

    def test_notification(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.TestNotificationRequest, payload)
        profile_id, device_id = check_id("profile_id", request.profile_id), check_id("device_id", request.device_id)

        def begin(then: Callable[[Message | ChatdError], None]) -> None:
            def found(push: PushDevice | None) -> None:
                if push is None:
                    then(EventNotFound(f"device {device_id!r} of {profile_id!r} is not notified"))
                    return

                def tried(error: str) -> None:
                    then(admin_pb2.TestNotificationResponse(notifier=push.notifier, sent=not error, error=error))

                self._test(profile_id, device_id, push, tried)

            self._store.ask(q.GetPush(profile_id, device_id), found, then)

        return Later(begin)

    def list_notifications(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.ListNotificationsRequest, payload)

        def then(page: tuple[tuple[QueuedNotification, ...], bool]) -> admin_pb2.ListNotificationsResponse:
            return admin_pb2.ListNotificationsResponse(notifications=map(_to_pb, page[0]), more=page[1])

        return Read(q.ListNotifications(_STATES.get(request.state, "none"), request.profile_id, limit_of(request.limit)), then)

    def retry_notifications(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.RetryNotificationsRequest, payload)
        command = c.RetryNotifications(request.profile_id, request.device_id)
        return Write(command, lambda count: admin_pb2.RetryNotificationsResponse(retried=count))

    def drop_notifications(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.DropNotificationsRequest, payload)
        command = c.DropNotifications(request.profile_id, request.device_id)
        return Write(command, lambda count: admin_pb2.DropNotificationsResponse(dropped=count))


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
