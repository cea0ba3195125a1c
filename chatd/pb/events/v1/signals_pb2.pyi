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
    __slots__ = ("typing", "delivered", "read", "presence", "invitation", "block", "proposal")
    TYPING_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    INVITATION_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    typing: Typing
    delivered: DeliveredReceipt
    read: ReadReceipt
    presence: Presence
    invitation: InvitationNotice
    block: BlockNotice
    proposal: ProposalNotice
    def __init__(self, typing: _Optional[_Union[Typing, _Mapping]] = ..., delivered: _Optional[_Union[DeliveredReceipt, _Mapping]] = ..., read: _Optional[_Union[ReadReceipt, _Mapping]] = ..., presence: _Optional[_Union[Presence, _Mapping]] = ..., invitation: _Optional[_Union[InvitationNotice, _Mapping]] = ..., block: _Optional[_Union[BlockNotice, _Mapping]] = ..., proposal: _Optional[_Union[ProposalNotice, _Mapping]] = ...) -> None: ...

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

class InvitationNotice(_message.Message):
    __slots__ = ("room_id", "invited_by")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    INVITED_BY_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    invited_by: str
    def __init__(self, room_id: _Optional[str] = ..., invited_by: _Optional[str] = ...) -> None: ...

class BlockNotice(_message.Message):
    __slots__ = ("profile_id", "blocked")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    blocked: bool
    def __init__(self, profile_id: _Optional[str] = ..., blocked: bool = ...) -> None: ...

class ProposalNotice(_message.Message):
    __slots__ = ("room_id", "proposal_id", "proposed_by", "pending")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    proposal_id: str
    proposed_by: str
    pending: bool
    def __init__(self, room_id: _Optional[str] = ..., proposal_id: _Optional[str] = ..., proposed_by: _Optional[str] = ..., pending: bool = ...) -> None: ...
