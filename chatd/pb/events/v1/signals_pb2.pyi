from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PresenceState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRESENCE_STATE_UNSPECIFIED: _ClassVar[PresenceState]
    PRESENCE_STATE_OFFLINE: _ClassVar[PresenceState]
    PRESENCE_STATE_AWAY: _ClassVar[PresenceState]
    PRESENCE_STATE_BUSY: _ClassVar[PresenceState]
    PRESENCE_STATE_ONLINE: _ClassVar[PresenceState]
PRESENCE_STATE_UNSPECIFIED: PresenceState
PRESENCE_STATE_OFFLINE: PresenceState
PRESENCE_STATE_AWAY: PresenceState
PRESENCE_STATE_BUSY: PresenceState
PRESENCE_STATE_ONLINE: PresenceState

class Signal(_message.Message):
    __slots__ = ("typing", "delivered", "read", "presence")
    TYPING_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    typing: Typing
    delivered: DeliveredReceipt
    read: ReadReceipt
    presence: Presence
    def __init__(self, typing: _Optional[_Union[Typing, _Mapping]] = ..., delivered: _Optional[_Union[DeliveredReceipt, _Mapping]] = ..., read: _Optional[_Union[ReadReceipt, _Mapping]] = ..., presence: _Optional[_Union[Presence, _Mapping]] = ...) -> None: ...

class Typing(_message.Message):
    __slots__ = ("room_id", "profile_id", "typing")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    TYPING_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_id: str
    typing: bool
    def __init__(self, room_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., typing: bool = ...) -> None: ...

class DeliveredReceipt(_message.Message):
    __slots__ = ("room_id", "profile_id", "device_id", "seq", "first_seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_id: str
    device_id: str
    seq: int
    first_seq: int
    def __init__(self, room_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., seq: _Optional[int] = ..., first_seq: _Optional[int] = ...) -> None: ...

class ReadReceipt(_message.Message):
    __slots__ = ("room_id", "profile_id", "seq", "read_at_us")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_AT_US_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_id: str
    seq: int
    read_at_us: int
    def __init__(self, room_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., seq: _Optional[int] = ..., read_at_us: _Optional[int] = ...) -> None: ...

class Presence(_message.Message):
    __slots__ = ("profile_id", "state")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    state: PresenceState
    def __init__(self, profile_id: _Optional[str] = ..., state: _Optional[_Union[PresenceState, str]] = ...) -> None: ...
