from chatd.pb.events.v1 import payloads_pb2 as _payloads_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RoomEvent(_message.Message):
    __slots__ = ("event_id", "room_id", "type", "payload")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    room_id: str
    type: _payloads_pb2.EventType
    payload: _struct_pb2.Struct
    def __init__(self, event_id: _Optional[str] = ..., room_id: _Optional[str] = ..., type: _Optional[_Union[_payloads_pb2.EventType, str]] = ..., payload: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("room_id", "name", "head_seq", "membership_version", "created_at_us", "created_by", "member_count")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQ_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_US_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    name: str
    head_seq: int
    membership_version: int
    created_at_us: int
    created_by: str
    member_count: int
    def __init__(self, room_id: _Optional[str] = ..., name: _Optional[str] = ..., head_seq: _Optional[int] = ..., membership_version: _Optional[int] = ..., created_at_us: _Optional[int] = ..., created_by: _Optional[str] = ..., member_count: _Optional[int] = ...) -> None: ...

class CreateRoomRequest(_message.Message):
    __slots__ = ("room_id", "name", "profile_ids")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    name: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, room_id: _Optional[str] = ..., name: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class CreateRoomResponse(_message.Message):
    __slots__ = ("room",)
    ROOM_FIELD_NUMBER: _ClassVar[int]
    room: Room
    def __init__(self, room: _Optional[_Union[Room, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("room_id", "before_seq", "limit")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SEQ_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    before_seq: int
    limit: int
    def __init__(self, room_id: _Optional[str] = ..., before_seq: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class GetHistoryResponse(_message.Message):
    __slots__ = ("events", "more")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_payloads_pb2.EventDelivery]
    more: bool
    def __init__(self, events: _Optional[_Iterable[_Union[_payloads_pb2.EventDelivery, _Mapping]]] = ..., more: bool = ...) -> None: ...
