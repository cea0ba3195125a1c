from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_TYPE_UNSPECIFIED: _ClassVar[EventType]
    EVENT_TYPE_MESSAGE: _ClassVar[EventType]
    EVENT_TYPE_MEMBERSHIP: _ClassVar[EventType]
    EVENT_TYPE_ERASED: _ClassVar[EventType]
    EVENT_TYPE_ROOM: _ClassVar[EventType]

class DeliveryState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_STATE_UNSPECIFIED: _ClassVar[DeliveryState]
    DELIVERY_STATE_OWED: _ClassVar[DeliveryState]
    DELIVERY_STATE_ACKNOWLEDGED: _ClassVar[DeliveryState]
    DELIVERY_STATE_REJECTED: _ClassVar[DeliveryState]
    DELIVERY_STATE_UNDELIVERABLE: _ClassVar[DeliveryState]
    DELIVERY_STATE_REMOVED: _ClassVar[DeliveryState]
    DELIVERY_STATE_SKIPPED: _ClassVar[DeliveryState]

class SkipReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SKIP_REASON_UNSPECIFIED: _ClassVar[SkipReason]
    SKIP_REASON_REJECTED: _ClassVar[SkipReason]
    SKIP_REASON_UNDELIVERABLE: _ClassVar[SkipReason]
    SKIP_REASON_RETENTION: _ClassVar[SkipReason]
    SKIP_REASON_UNREADABLE: _ClassVar[SkipReason]
    SKIP_REASON_OPERATOR: _ClassVar[SkipReason]
EVENT_TYPE_UNSPECIFIED: EventType
EVENT_TYPE_MESSAGE: EventType
EVENT_TYPE_MEMBERSHIP: EventType
EVENT_TYPE_ERASED: EventType
EVENT_TYPE_ROOM: EventType
DELIVERY_STATE_UNSPECIFIED: DeliveryState
DELIVERY_STATE_OWED: DeliveryState
DELIVERY_STATE_ACKNOWLEDGED: DeliveryState
DELIVERY_STATE_REJECTED: DeliveryState
DELIVERY_STATE_UNDELIVERABLE: DeliveryState
DELIVERY_STATE_REMOVED: DeliveryState
DELIVERY_STATE_SKIPPED: DeliveryState
SKIP_REASON_UNSPECIFIED: SkipReason
SKIP_REASON_REJECTED: SkipReason
SKIP_REASON_UNDELIVERABLE: SkipReason
SKIP_REASON_RETENTION: SkipReason
SKIP_REASON_UNREADABLE: SkipReason
SKIP_REASON_OPERATOR: SkipReason

class EventLink(_message.Message):
    __slots__ = ("event_id", "room_id", "seq", "sender_id", "type", "sent_at_us", "priority", "mentions", "mention_all")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_US_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    MENTION_ALL_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    room_id: str
    seq: int
    sender_id: str
    type: EventType
    sent_at_us: int
    priority: int
    mentions: _containers.RepeatedScalarFieldContainer[str]
    mention_all: bool
    def __init__(self, event_id: _Optional[str] = ..., room_id: _Optional[str] = ..., seq: _Optional[int] = ..., sender_id: _Optional[str] = ..., type: _Optional[_Union[EventType, str]] = ..., sent_at_us: _Optional[int] = ..., priority: _Optional[int] = ..., mentions: _Optional[_Iterable[str]] = ..., mention_all: bool = ...) -> None: ...

class EventReceipt(_message.Message):
    __slots__ = ("profile_id", "device_id", "acked", "attempts", "owed_for_us", "state")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ACKED_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    OWED_FOR_US_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    acked: bool
    attempts: int
    owed_for_us: int
    state: DeliveryState
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., acked: bool = ..., attempts: _Optional[int] = ..., owed_for_us: _Optional[int] = ..., state: _Optional[_Union[DeliveryState, str]] = ...) -> None: ...

class EventDelivery(_message.Message):
    __slots__ = ("event", "target", "payload", "is_compressed", "retry_count", "skipped", "replay", "compressed_payload")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    IS_COMPRESSED_FIELD_NUMBER: _ClassVar[int]
    RETRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    COMPRESSED_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    event: EventLink
    target: EventReceipt
    payload: _struct_pb2.Struct
    is_compressed: bool
    retry_count: int
    skipped: Skipped
    replay: bool
    compressed_payload: bytes
    def __init__(self, event: _Optional[_Union[EventLink, _Mapping]] = ..., target: _Optional[_Union[EventReceipt, _Mapping]] = ..., payload: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., is_compressed: bool = ..., retry_count: _Optional[int] = ..., skipped: _Optional[_Union[Skipped, _Mapping]] = ..., replay: bool = ..., compressed_payload: _Optional[bytes] = ...) -> None: ...

class Skipped(_message.Message):
    __slots__ = ("first_seq", "last_seq", "reason")
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    first_seq: int
    last_seq: int
    reason: SkipReason
    def __init__(self, first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ..., reason: _Optional[_Union[SkipReason, str]] = ...) -> None: ...

class EventBroadcast(_message.Message):
    __slots__ = ("event", "targets", "priority")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    event: EventLink
    targets: _containers.RepeatedCompositeFieldContainer[EventReceipt]
    priority: int
    def __init__(self, event: _Optional[_Union[EventLink, _Mapping]] = ..., targets: _Optional[_Iterable[_Union[EventReceipt, _Mapping]]] = ..., priority: _Optional[int] = ...) -> None: ...
