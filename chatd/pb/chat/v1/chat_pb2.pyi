from chatd.pb.events.v1 import payloads_pb2 as _payloads_pb2
from chatd.pb.events.v1 import signals_pb2 as _signals_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NotificationLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTIFICATION_LEVEL_UNSPECIFIED: _ClassVar[NotificationLevel]
    NOTIFICATION_LEVEL_ALL: _ClassVar[NotificationLevel]
    NOTIFICATION_LEVEL_MENTIONS: _ClassVar[NotificationLevel]
    NOTIFICATION_LEVEL_NONE: _ClassVar[NotificationLevel]
NOTIFICATION_LEVEL_UNSPECIFIED: NotificationLevel
NOTIFICATION_LEVEL_ALL: NotificationLevel
NOTIFICATION_LEVEL_MENTIONS: NotificationLevel
NOTIFICATION_LEVEL_NONE: NotificationLevel

class RoomEvent(_message.Message):
    __slots__ = ("event_id", "room_id", "type", "payload", "priority", "mentions", "compressed_payload")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    COMPRESSED_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    room_id: str
    type: _payloads_pb2.EventType
    payload: _struct_pb2.Struct
    priority: int
    mentions: _containers.RepeatedScalarFieldContainer[str]
    compressed_payload: bytes
    def __init__(self, event_id: _Optional[str] = ..., room_id: _Optional[str] = ..., type: _Optional[_Union[_payloads_pb2.EventType, str]] = ..., payload: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., priority: _Optional[int] = ..., mentions: _Optional[_Iterable[str]] = ..., compressed_payload: _Optional[bytes] = ...) -> None: ...

class SendEventsRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[RoomEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[RoomEvent, _Mapping]]] = ...) -> None: ...

class EventAck(_message.Message):
    __slots__ = ("event_id", "room_id", "seq", "sent_at_us", "duplicate")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_US_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    room_id: str
    seq: int
    sent_at_us: int
    duplicate: bool
    def __init__(self, event_id: _Optional[str] = ..., room_id: _Optional[str] = ..., seq: _Optional[int] = ..., sent_at_us: _Optional[int] = ..., duplicate: bool = ...) -> None: ...

class SendEventsResponse(_message.Message):
    __slots__ = ("acks",)
    ACKS_FIELD_NUMBER: _ClassVar[int]
    acks: _containers.RepeatedCompositeFieldContainer[EventAck]
    def __init__(self, acks: _Optional[_Iterable[_Union[EventAck, _Mapping]]] = ...) -> None: ...

class Room(_message.Message):
    __slots__ = ("room_id", "name", "head_seq", "membership_version", "created_at_us", "created_by", "member_count", "hide_previews")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQ_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_US_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    HIDE_PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    name: str
    head_seq: int
    membership_version: int
    created_at_us: int
    created_by: str
    member_count: int
    hide_previews: bool
    def __init__(self, room_id: _Optional[str] = ..., name: _Optional[str] = ..., head_seq: _Optional[int] = ..., membership_version: _Optional[int] = ..., created_at_us: _Optional[int] = ..., created_by: _Optional[str] = ..., member_count: _Optional[int] = ..., hide_previews: bool = ...) -> None: ...

class CreateRoomRequest(_message.Message):
    __slots__ = ("room_id", "name", "profile_ids", "hide_previews")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    HIDE_PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    name: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    hide_previews: bool
    def __init__(self, room_id: _Optional[str] = ..., name: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ..., hide_previews: bool = ...) -> None: ...

class CreateRoomResponse(_message.Message):
    __slots__ = ("room",)
    ROOM_FIELD_NUMBER: _ClassVar[int]
    room: Room
    def __init__(self, room: _Optional[_Union[Room, _Mapping]] = ...) -> None: ...

class UpdateRoomRequest(_message.Message):
    __slots__ = ("room_id", "name", "hide_previews")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HIDE_PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    name: str
    hide_previews: bool
    def __init__(self, room_id: _Optional[str] = ..., name: _Optional[str] = ..., hide_previews: bool = ...) -> None: ...

class UpdateRoomResponse(_message.Message):
    __slots__ = ("room", "seq")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    room: Room
    seq: int
    def __init__(self, room: _Optional[_Union[Room, _Mapping]] = ..., seq: _Optional[int] = ...) -> None: ...

class AddRoomSubscriptionsRequest(_message.Message):
    __slots__ = ("room_id", "profile_ids")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, room_id: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class AddRoomSubscriptionsResponse(_message.Message):
    __slots__ = ("added", "seq")
    ADDED_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    added: _containers.RepeatedScalarFieldContainer[str]
    seq: int
    def __init__(self, added: _Optional[_Iterable[str]] = ..., seq: _Optional[int] = ...) -> None: ...

class RemoveRoomSubscriptionsRequest(_message.Message):
    __slots__ = ("room_id", "profile_ids")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, room_id: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class RemoveRoomSubscriptionsResponse(_message.Message):
    __slots__ = ("removed", "seq")
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    removed: _containers.RepeatedScalarFieldContainer[str]
    seq: int
    def __init__(self, removed: _Optional[_Iterable[str]] = ..., seq: _Optional[int] = ...) -> None: ...

class GetHistoryRequest(_message.Message):
    __slots__ = ("room_id", "before_seq", "limit", "accept_zstd", "after_seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SEQ_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_ZSTD_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    before_seq: int
    limit: int
    accept_zstd: bool
    after_seq: int
    def __init__(self, room_id: _Optional[str] = ..., before_seq: _Optional[int] = ..., limit: _Optional[int] = ..., accept_zstd: bool = ..., after_seq: _Optional[int] = ...) -> None: ...

class GetHistoryResponse(_message.Message):
    __slots__ = ("events", "more")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_payloads_pb2.EventDelivery]
    more: bool
    def __init__(self, events: _Optional[_Iterable[_Union[_payloads_pb2.EventDelivery, _Mapping]]] = ..., more: bool = ...) -> None: ...

class SetReadMarkerRequest(_message.Message):
    __slots__ = ("room_id", "seq", "device_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    seq: int
    device_id: str
    def __init__(self, room_id: _Optional[str] = ..., seq: _Optional[int] = ..., device_id: _Optional[str] = ...) -> None: ...

class SetReadMarkerResponse(_message.Message):
    __slots__ = ("seq", "unread")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    seq: int
    unread: int
    def __init__(self, seq: _Optional[int] = ..., unread: _Optional[int] = ...) -> None: ...

class ListUnreadRequest(_message.Message):
    __slots__ = ("room_ids", "after_room_id", "limit")
    ROOM_IDS_FIELD_NUMBER: _ClassVar[int]
    AFTER_ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    room_ids: _containers.RepeatedScalarFieldContainer[str]
    after_room_id: str
    limit: int
    def __init__(self, room_ids: _Optional[_Iterable[str]] = ..., after_room_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Unread(_message.Message):
    __slots__ = ("room_id", "read_seq", "read_at_us", "head_seq", "unread", "name")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_AT_US_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQ_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    read_seq: int
    read_at_us: int
    head_seq: int
    unread: int
    name: str
    def __init__(self, room_id: _Optional[str] = ..., read_seq: _Optional[int] = ..., read_at_us: _Optional[int] = ..., head_seq: _Optional[int] = ..., unread: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class ListUnreadResponse(_message.Message):
    __slots__ = ("rooms", "more")
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    rooms: _containers.RepeatedCompositeFieldContainer[Unread]
    more: bool
    def __init__(self, rooms: _Optional[_Iterable[_Union[Unread, _Mapping]]] = ..., more: bool = ...) -> None: ...

class GetDeliveryStatusRequest(_message.Message):
    __slots__ = ("room_id", "seq", "limit", "after_profile_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    seq: int
    limit: int
    after_profile_id: str
    def __init__(self, room_id: _Optional[str] = ..., seq: _Optional[int] = ..., limit: _Optional[int] = ..., after_profile_id: _Optional[str] = ...) -> None: ...

class RecipientStatus(_message.Message):
    __slots__ = ("profile_id", "read", "read_at_us", "devices", "state")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    READ_AT_US_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    read: bool
    read_at_us: int
    devices: _containers.RepeatedCompositeFieldContainer[_payloads_pb2.EventReceipt]
    state: _payloads_pb2.DeliveryState
    def __init__(self, profile_id: _Optional[str] = ..., read: bool = ..., read_at_us: _Optional[int] = ..., devices: _Optional[_Iterable[_Union[_payloads_pb2.EventReceipt, _Mapping]]] = ..., state: _Optional[_Union[_payloads_pb2.DeliveryState, str]] = ...) -> None: ...

class GetDeliveryStatusResponse(_message.Message):
    __slots__ = ("recipients", "delivered", "read", "profiles", "more")
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    PROFILES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    recipients: int
    delivered: int
    read: int
    profiles: _containers.RepeatedCompositeFieldContainer[RecipientStatus]
    more: bool
    def __init__(self, recipients: _Optional[int] = ..., delivered: _Optional[int] = ..., read: _Optional[int] = ..., profiles: _Optional[_Iterable[_Union[RecipientStatus, _Mapping]]] = ..., more: bool = ...) -> None: ...

class SetTypingRequest(_message.Message):
    __slots__ = ("room_id", "typing")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TYPING_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    typing: bool
    def __init__(self, room_id: _Optional[str] = ..., typing: bool = ...) -> None: ...

class SetTypingResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetPresenceRequest(_message.Message):
    __slots__ = ("profile_ids",)
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetPresenceResponse(_message.Message):
    __slots__ = ("presences",)
    PRESENCES_FIELD_NUMBER: _ClassVar[int]
    presences: _containers.RepeatedCompositeFieldContainer[_signals_pb2.Presence]
    def __init__(self, presences: _Optional[_Iterable[_Union[_signals_pb2.Presence, _Mapping]]] = ...) -> None: ...

class WatchPresenceRequest(_message.Message):
    __slots__ = ("profile_ids",)
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchPresenceResponse(_message.Message):
    __slots__ = ("presences",)
    PRESENCES_FIELD_NUMBER: _ClassVar[int]
    presences: _containers.RepeatedCompositeFieldContainer[_signals_pb2.Presence]
    def __init__(self, presences: _Optional[_Iterable[_Union[_signals_pb2.Presence, _Mapping]]] = ...) -> None: ...

class SetRoomNotificationsRequest(_message.Message):
    __slots__ = ("room_id", "level", "muted_until_us")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MUTED_UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    level: NotificationLevel
    muted_until_us: int
    def __init__(self, room_id: _Optional[str] = ..., level: _Optional[_Union[NotificationLevel, str]] = ..., muted_until_us: _Optional[int] = ...) -> None: ...

class SetRoomNotificationsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRoomNotificationsRequest(_message.Message):
    __slots__ = ("room_id",)
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    def __init__(self, room_id: _Optional[str] = ...) -> None: ...

class GetRoomNotificationsResponse(_message.Message):
    __slots__ = ("level", "muted_until_us")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MUTED_UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    level: NotificationLevel
    muted_until_us: int
    def __init__(self, level: _Optional[_Union[NotificationLevel, str]] = ..., muted_until_us: _Optional[int] = ...) -> None: ...

class SetPushRequest(_message.Message):
    __slots__ = ("device_id", "notifier", "endpoint", "p256dh", "auth")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFIER_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    P256DH_FIELD_NUMBER: _ClassVar[int]
    AUTH_FIELD_NUMBER: _ClassVar[int]
    device_id: str
    notifier: str
    endpoint: str
    p256dh: str
    auth: str
    def __init__(self, device_id: _Optional[str] = ..., notifier: _Optional[str] = ..., endpoint: _Optional[str] = ..., p256dh: _Optional[str] = ..., auth: _Optional[str] = ...) -> None: ...

class SetPushResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
