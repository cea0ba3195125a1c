"""NotificationBusiness: the wishes of people: how their devices are notified, and of what."""

from collections.abc import Callable, Collection

from chatd.core.ids import check_id
from chatd.default.answer import Answer, Call, Caller, Read, Role, Write
from chatd.default.notifications.push import GetRoomNotifications, SetPush, SetRoomNotifications
from chatd.default.part import Part
from chatd.errors import InvalidArgument
from chatd.pb.chat.v1 import chat_pb2

MAX_KEY = 256
"""Characters of one of a subscription's keys."""


class NotificationBusiness:
    """ChatService's methods about notifications. ``notifiers`` are the names of those there are;
    ``endpoint_fault`` says what is wrong with an endpoint. A profile has ``most_devices`` at
    most."""

    def __init__(
        self, notifiers: Collection[str], endpoint_fault: Callable[[str], str], *, most_devices: int
    ) -> None:
        self._notifiers = frozenset(notifiers)
        self._most_devices = most_devices
        self._endpoint_fault = endpoint_fault
        self.part = Part(
            calls=(
                Call("ChatService/SetPush", chat_pb2.SetPushRequest, Role.USER, self.set_push),
                Call(
                    "ChatService/SetRoomNotifications",
                    chat_pb2.SetRoomNotificationsRequest,
                    Role.USER,
                    self.set_room_notifications,
                ),
                Call(
                    "ChatService/GetRoomNotifications",
                    chat_pb2.GetRoomNotificationsRequest,
                    Role.USER,
                    self.get_room_notifications,
                ),
            )
        )

    def change(self, notifiers: Collection[str], endpoint_fault: Callable[[str], str]) -> None:
        """Others from now on."""
        self._notifiers = frozenset(notifiers)
        self._endpoint_fault = endpoint_fault

    def set_push(self, caller: Caller, request: chat_pb2.SetPushRequest) -> Answer:
        """Register a device of the caller's, also one that has never connected; or take it back."""
        device_id = check_id("device_id", request.device_id)
        if request.notifier and request.notifier not in self._notifiers:
            raise InvalidArgument(
                f"notifier {request.notifier[:40]!a}; there are: {', '.join(sorted(self._notifiers)) or 'none'}"
            )
        keys = (request.endpoint, request.p256dh, request.auth)
        if request.notifier == "webpush":
            if fault := self._endpoint_fault(request.endpoint):
                raise InvalidArgument(f"endpoint: {fault}")
            for name, key in (("p256dh", request.p256dh), ("auth", request.auth)):
                if (
                    not 1 <= len(key) <= MAX_KEY
                    or not key.replace("-", "").replace("_", "").rstrip("=").isalnum()
                    or not key.isascii()
                ):
                    raise InvalidArgument(f"{name}: it must be 1 to {MAX_KEY} characters of base64url")
        elif any(keys):
            raise InvalidArgument("endpoint, p256dh and auth are webpush's")
        command = SetPush(caller.profile_id, device_id, request.notifier, *keys, most=self._most_devices)
        return Write(command, lambda done: chat_pb2.SetPushResponse())

    def set_room_notifications(self, caller: Caller, request: chat_pb2.SetRoomNotificationsRequest) -> Answer:
        """Be notified of everything in a room, of mentions, or of nothing; and not before some
        time."""
        if request.level not in chat_pb2.NotificationLevel.values() or request.muted_until_us < 0:
            raise InvalidArgument("level must be one there is, muted_until_us not negative")
        command = SetRoomNotifications(
            caller.profile_id,
            check_id("room_id", request.room_id),
            request.level or chat_pb2.NOTIFICATION_LEVEL_ALL,
            request.muted_until_us,
        )
        return Write(command, lambda done: chat_pb2.SetRoomNotificationsResponse())

    def get_room_notifications(self, caller: Caller, request: chat_pb2.GetRoomNotificationsRequest) -> Answer:
        """The caller's choice for a room."""

        def then(found: tuple[int, int]) -> chat_pb2.GetRoomNotificationsResponse:
            level = chat_pb2.NotificationLevel.Name(chat_pb2.NotificationLevel.ValueType(found[0]))
            return chat_pb2.GetRoomNotificationsResponse(level=level, muted_until_us=found[1])

        return Read(GetRoomNotifications(caller.profile_id, check_id("room_id", request.room_id)), then)
