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

class RoomKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROOM_KIND_UNSPECIFIED: _ClassVar[RoomKind]
    ROOM_KIND_DIRECT: _ClassVar[RoomKind]
    ROOM_KIND_GROUP: _ClassVar[RoomKind]
    ROOM_KIND_CHANNEL: _ClassVar[RoomKind]

class MemberRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBER_ROLE_UNSPECIFIED: _ClassVar[MemberRole]
    MEMBER_ROLE_GUEST: _ClassVar[MemberRole]
    MEMBER_ROLE_MEMBER: _ClassVar[MemberRole]
    MEMBER_ROLE_MODERATOR: _ClassVar[MemberRole]
    MEMBER_ROLE_ADMIN: _ClassVar[MemberRole]
    MEMBER_ROLE_OWNER: _ClassVar[MemberRole]

class ProposalState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROPOSAL_STATE_UNSPECIFIED: _ClassVar[ProposalState]
    PROPOSAL_STATE_PENDING: _ClassVar[ProposalState]
    PROPOSAL_STATE_EXECUTED: _ClassVar[ProposalState]
    PROPOSAL_STATE_REJECTED: _ClassVar[ProposalState]
    PROPOSAL_STATE_WITHDRAWN: _ClassVar[ProposalState]
    PROPOSAL_STATE_EXPIRED: _ClassVar[ProposalState]

class NotificationLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTIFICATION_LEVEL_UNSPECIFIED: _ClassVar[NotificationLevel]
    NOTIFICATION_LEVEL_ALL: _ClassVar[NotificationLevel]
    NOTIFICATION_LEVEL_MENTIONS: _ClassVar[NotificationLevel]
    NOTIFICATION_LEVEL_NONE: _ClassVar[NotificationLevel]
ROOM_KIND_UNSPECIFIED: RoomKind
ROOM_KIND_DIRECT: RoomKind
ROOM_KIND_GROUP: RoomKind
ROOM_KIND_CHANNEL: RoomKind
MEMBER_ROLE_UNSPECIFIED: MemberRole
MEMBER_ROLE_GUEST: MemberRole
MEMBER_ROLE_MEMBER: MemberRole
MEMBER_ROLE_MODERATOR: MemberRole
MEMBER_ROLE_ADMIN: MemberRole
MEMBER_ROLE_OWNER: MemberRole
PROPOSAL_STATE_UNSPECIFIED: ProposalState
PROPOSAL_STATE_PENDING: ProposalState
PROPOSAL_STATE_EXECUTED: ProposalState
PROPOSAL_STATE_REJECTED: ProposalState
PROPOSAL_STATE_WITHDRAWN: ProposalState
PROPOSAL_STATE_EXPIRED: ProposalState
NOTIFICATION_LEVEL_UNSPECIFIED: NotificationLevel
NOTIFICATION_LEVEL_ALL: NotificationLevel
NOTIFICATION_LEVEL_MENTIONS: NotificationLevel
NOTIFICATION_LEVEL_NONE: NotificationLevel

class RoomEvent(_message.Message):
    __slots__ = ("event_id", "room_id", "type", "payload", "priority", "mentions", "compressed_payload", "mention_all")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    COMPRESSED_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    MENTION_ALL_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    room_id: str
    type: _payloads_pb2.EventType
    payload: _struct_pb2.Struct
    priority: int
    mentions: _containers.RepeatedScalarFieldContainer[str]
    compressed_payload: bytes
    mention_all: bool
    def __init__(self, event_id: _Optional[str] = ..., room_id: _Optional[str] = ..., type: _Optional[_Union[_payloads_pb2.EventType, str]] = ..., payload: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., priority: _Optional[int] = ..., mentions: _Optional[_Iterable[str]] = ..., compressed_payload: _Optional[bytes] = ..., mention_all: bool = ...) -> None: ...

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

class RoomRules(_message.Message):
    __slots__ = ("add", "send", "urgent", "mention_all", "requires_approval", "keep_days", "keep_events")
    ADD_FIELD_NUMBER: _ClassVar[int]
    SEND_FIELD_NUMBER: _ClassVar[int]
    URGENT_FIELD_NUMBER: _ClassVar[int]
    MENTION_ALL_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_APPROVAL_FIELD_NUMBER: _ClassVar[int]
    KEEP_DAYS_FIELD_NUMBER: _ClassVar[int]
    KEEP_EVENTS_FIELD_NUMBER: _ClassVar[int]
    add: MemberRole
    send: MemberRole
    urgent: MemberRole
    mention_all: MemberRole
    requires_approval: bool
    keep_days: int
    keep_events: int
    def __init__(self, add: _Optional[_Union[MemberRole, str]] = ..., send: _Optional[_Union[MemberRole, str]] = ..., urgent: _Optional[_Union[MemberRole, str]] = ..., mention_all: _Optional[_Union[MemberRole, str]] = ..., requires_approval: bool = ..., keep_days: _Optional[int] = ..., keep_events: _Optional[int] = ...) -> None: ...

class RoomMetadata(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Room(_message.Message):
    __slots__ = ("room_id", "name", "head_seq", "membership_version", "created_at_us", "created_by", "member_count", "hide_previews", "kind", "public", "rules", "description", "metadata", "settings_version", "deleted_seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQ_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_US_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    HIDE_PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_VERSION_FIELD_NUMBER: _ClassVar[int]
    DELETED_SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    name: str
    head_seq: int
    membership_version: int
    created_at_us: int
    created_by: str
    member_count: int
    hide_previews: bool
    kind: RoomKind
    public: bool
    rules: RoomRules
    description: str
    metadata: _containers.RepeatedCompositeFieldContainer[RoomMetadata]
    settings_version: int
    deleted_seq: int
    def __init__(self, room_id: _Optional[str] = ..., name: _Optional[str] = ..., head_seq: _Optional[int] = ..., membership_version: _Optional[int] = ..., created_at_us: _Optional[int] = ..., created_by: _Optional[str] = ..., member_count: _Optional[int] = ..., hide_previews: bool = ..., kind: _Optional[_Union[RoomKind, str]] = ..., public: bool = ..., rules: _Optional[_Union[RoomRules, _Mapping]] = ..., description: _Optional[str] = ..., metadata: _Optional[_Iterable[_Union[RoomMetadata, _Mapping]]] = ..., settings_version: _Optional[int] = ..., deleted_seq: _Optional[int] = ...) -> None: ...

class CreateRoomRequest(_message.Message):
    __slots__ = ("room_id", "name", "profile_ids", "hide_previews", "kind", "public", "rules", "description", "metadata")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    HIDE_PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    name: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    hide_previews: bool
    kind: RoomKind
    public: bool
    rules: RoomRules
    description: str
    metadata: _containers.RepeatedCompositeFieldContainer[RoomMetadata]
    def __init__(self, room_id: _Optional[str] = ..., name: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ..., hide_previews: bool = ..., kind: _Optional[_Union[RoomKind, str]] = ..., public: bool = ..., rules: _Optional[_Union[RoomRules, _Mapping]] = ..., description: _Optional[str] = ..., metadata: _Optional[_Iterable[_Union[RoomMetadata, _Mapping]]] = ...) -> None: ...

class CreateRoomResponse(_message.Message):
    __slots__ = ("room", "invited")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    INVITED_FIELD_NUMBER: _ClassVar[int]
    room: Room
    invited: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, room: _Optional[_Union[Room, _Mapping]] = ..., invited: _Optional[_Iterable[str]] = ...) -> None: ...

class UpdateRoomRequest(_message.Message):
    __slots__ = ("room_id", "name", "hide_previews", "public", "rules", "description", "metadata", "expected_version")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HIDE_PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    name: str
    hide_previews: bool
    public: bool
    rules: RoomRules
    description: str
    metadata: _containers.RepeatedCompositeFieldContainer[RoomMetadata]
    expected_version: int
    def __init__(self, room_id: _Optional[str] = ..., name: _Optional[str] = ..., hide_previews: bool = ..., public: bool = ..., rules: _Optional[_Union[RoomRules, _Mapping]] = ..., description: _Optional[str] = ..., metadata: _Optional[_Iterable[_Union[RoomMetadata, _Mapping]]] = ..., expected_version: _Optional[int] = ...) -> None: ...

class FindRoomsRequest(_message.Message):
    __slots__ = ("query", "metadata", "after", "limit")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    query: str
    metadata: _containers.RepeatedCompositeFieldContainer[RoomMetadata]
    after: str
    limit: int
    def __init__(self, query: _Optional[str] = ..., metadata: _Optional[_Iterable[_Union[RoomMetadata, _Mapping]]] = ..., after: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class FindRoomsResponse(_message.Message):
    __slots__ = ("rooms", "next_after")
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    rooms: _containers.RepeatedCompositeFieldContainer[Room]
    next_after: str
    def __init__(self, rooms: _Optional[_Iterable[_Union[Room, _Mapping]]] = ..., next_after: _Optional[str] = ...) -> None: ...

class UpdateRoomResponse(_message.Message):
    __slots__ = ("room", "seq", "proposal_id")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    room: Room
    seq: int
    proposal_id: str
    def __init__(self, room: _Optional[_Union[Room, _Mapping]] = ..., seq: _Optional[int] = ..., proposal_id: _Optional[str] = ...) -> None: ...

class AddRoomSubscriptionsRequest(_message.Message):
    __slots__ = ("room_id", "profile_ids", "role")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    role: MemberRole
    def __init__(self, room_id: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ..., role: _Optional[_Union[MemberRole, str]] = ...) -> None: ...

class AddRoomSubscriptionsResponse(_message.Message):
    __slots__ = ("added", "seq", "invited", "proposal_id")
    ADDED_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    INVITED_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    added: _containers.RepeatedScalarFieldContainer[str]
    seq: int
    invited: _containers.RepeatedScalarFieldContainer[str]
    proposal_id: str
    def __init__(self, added: _Optional[_Iterable[str]] = ..., seq: _Optional[int] = ..., invited: _Optional[_Iterable[str]] = ..., proposal_id: _Optional[str] = ...) -> None: ...

class RemoveRoomSubscriptionsRequest(_message.Message):
    __slots__ = ("room_id", "profile_ids")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, room_id: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class RemoveRoomSubscriptionsResponse(_message.Message):
    __slots__ = ("removed", "seq", "proposal_id")
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    removed: _containers.RepeatedScalarFieldContainer[str]
    seq: int
    proposal_id: str
    def __init__(self, removed: _Optional[_Iterable[str]] = ..., seq: _Optional[int] = ..., proposal_id: _Optional[str] = ...) -> None: ...

class JoinRoomRequest(_message.Message):
    __slots__ = ("room_id",)
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    def __init__(self, room_id: _Optional[str] = ...) -> None: ...

class JoinRoomResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class LeaveRoomRequest(_message.Message):
    __slots__ = ("room_id",)
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    def __init__(self, room_id: _Optional[str] = ...) -> None: ...

class LeaveRoomResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class SetMemberRoleRequest(_message.Message):
    __slots__ = ("room_id", "profile_ids", "role", "expected_version")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    role: MemberRole
    expected_version: int
    def __init__(self, room_id: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ..., role: _Optional[_Union[MemberRole, str]] = ..., expected_version: _Optional[int] = ...) -> None: ...

class SetMemberRoleResponse(_message.Message):
    __slots__ = ("changed", "seq", "proposal_id")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    changed: _containers.RepeatedScalarFieldContainer[str]
    seq: int
    proposal_id: str
    def __init__(self, changed: _Optional[_Iterable[str]] = ..., seq: _Optional[int] = ..., proposal_id: _Optional[str] = ...) -> None: ...

class BanProfilesRequest(_message.Message):
    __slots__ = ("room_id", "profile_ids")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, room_id: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class BanProfilesResponse(_message.Message):
    __slots__ = ("banned", "removed", "seq", "proposal_id")
    BANNED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    banned: _containers.RepeatedScalarFieldContainer[str]
    removed: _containers.RepeatedScalarFieldContainer[str]
    seq: int
    proposal_id: str
    def __init__(self, banned: _Optional[_Iterable[str]] = ..., removed: _Optional[_Iterable[str]] = ..., seq: _Optional[int] = ..., proposal_id: _Optional[str] = ...) -> None: ...

class UnbanProfilesRequest(_message.Message):
    __slots__ = ("room_id", "profile_ids")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, room_id: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class UnbanProfilesResponse(_message.Message):
    __slots__ = ("unbanned", "seq", "proposal_id")
    UNBANNED_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    unbanned: _containers.RepeatedScalarFieldContainer[str]
    seq: int
    proposal_id: str
    def __init__(self, unbanned: _Optional[_Iterable[str]] = ..., seq: _Optional[int] = ..., proposal_id: _Optional[str] = ...) -> None: ...

class ListBansRequest(_message.Message):
    __slots__ = ("room_id", "limit", "after_profile_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    limit: int
    after_profile_id: str
    def __init__(self, room_id: _Optional[str] = ..., limit: _Optional[int] = ..., after_profile_id: _Optional[str] = ...) -> None: ...

class Ban(_message.Message):
    __slots__ = ("profile_id", "seq", "banned_at_us")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    BANNED_AT_US_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    seq: int
    banned_at_us: int
    def __init__(self, profile_id: _Optional[str] = ..., seq: _Optional[int] = ..., banned_at_us: _Optional[int] = ...) -> None: ...

class ListBansResponse(_message.Message):
    __slots__ = ("bans", "more")
    BANS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    bans: _containers.RepeatedCompositeFieldContainer[Ban]
    more: bool
    def __init__(self, bans: _Optional[_Iterable[_Union[Ban, _Mapping]]] = ..., more: bool = ...) -> None: ...

class AcceptInvitationRequest(_message.Message):
    __slots__ = ("room_id",)
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    def __init__(self, room_id: _Optional[str] = ...) -> None: ...

class AcceptInvitationResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class DeclineInvitationRequest(_message.Message):
    __slots__ = ("room_id",)
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    def __init__(self, room_id: _Optional[str] = ...) -> None: ...

class DeclineInvitationResponse(_message.Message):
    __slots__ = ("declined",)
    DECLINED_FIELD_NUMBER: _ClassVar[int]
    declined: bool
    def __init__(self, declined: bool = ...) -> None: ...

class Invitation(_message.Message):
    __slots__ = ("room_id", "profile_id", "role", "invited_by", "invited_at_us", "room_name", "room_kind")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    INVITED_BY_FIELD_NUMBER: _ClassVar[int]
    INVITED_AT_US_FIELD_NUMBER: _ClassVar[int]
    ROOM_NAME_FIELD_NUMBER: _ClassVar[int]
    ROOM_KIND_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_id: str
    role: MemberRole
    invited_by: str
    invited_at_us: int
    room_name: str
    room_kind: RoomKind
    def __init__(self, room_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., role: _Optional[_Union[MemberRole, str]] = ..., invited_by: _Optional[str] = ..., invited_at_us: _Optional[int] = ..., room_name: _Optional[str] = ..., room_kind: _Optional[_Union[RoomKind, str]] = ...) -> None: ...

class ListInvitationsRequest(_message.Message):
    __slots__ = ("after", "limit")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    after: str
    limit: int
    def __init__(self, after: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListInvitationsResponse(_message.Message):
    __slots__ = ("invitations", "next_after")
    INVITATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    invitations: _containers.RepeatedCompositeFieldContainer[Invitation]
    next_after: str
    def __init__(self, invitations: _Optional[_Iterable[_Union[Invitation, _Mapping]]] = ..., next_after: _Optional[str] = ...) -> None: ...

class ListRoomInvitationsRequest(_message.Message):
    __slots__ = ("room_id", "limit", "after_profile_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    limit: int
    after_profile_id: str
    def __init__(self, room_id: _Optional[str] = ..., limit: _Optional[int] = ..., after_profile_id: _Optional[str] = ...) -> None: ...

class ListRoomInvitationsResponse(_message.Message):
    __slots__ = ("invitations", "more")
    INVITATIONS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    invitations: _containers.RepeatedCompositeFieldContainer[Invitation]
    more: bool
    def __init__(self, invitations: _Optional[_Iterable[_Union[Invitation, _Mapping]]] = ..., more: bool = ...) -> None: ...

class WithdrawInvitationsRequest(_message.Message):
    __slots__ = ("room_id", "profile_ids")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, room_id: _Optional[str] = ..., profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class WithdrawInvitationsResponse(_message.Message):
    __slots__ = ("withdrawn", "seq")
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    withdrawn: _containers.RepeatedScalarFieldContainer[str]
    seq: int
    def __init__(self, withdrawn: _Optional[_Iterable[str]] = ..., seq: _Optional[int] = ...) -> None: ...

class Proposal(_message.Message):
    __slots__ = ("room_id", "proposal_id", "proposed_by", "proposed_at_us", "state", "decided_by", "decided_at_us", "seq", "add", "remove", "set_role", "ban", "unban", "update")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_AT_US_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_US_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    SET_ROLE_FIELD_NUMBER: _ClassVar[int]
    BAN_FIELD_NUMBER: _ClassVar[int]
    UNBAN_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    proposal_id: str
    proposed_by: str
    proposed_at_us: int
    state: ProposalState
    decided_by: str
    decided_at_us: int
    seq: int
    add: AddRoomSubscriptionsRequest
    remove: RemoveRoomSubscriptionsRequest
    set_role: SetMemberRoleRequest
    ban: BanProfilesRequest
    unban: UnbanProfilesRequest
    update: UpdateRoomRequest
    def __init__(self, room_id: _Optional[str] = ..., proposal_id: _Optional[str] = ..., proposed_by: _Optional[str] = ..., proposed_at_us: _Optional[int] = ..., state: _Optional[_Union[ProposalState, str]] = ..., decided_by: _Optional[str] = ..., decided_at_us: _Optional[int] = ..., seq: _Optional[int] = ..., add: _Optional[_Union[AddRoomSubscriptionsRequest, _Mapping]] = ..., remove: _Optional[_Union[RemoveRoomSubscriptionsRequest, _Mapping]] = ..., set_role: _Optional[_Union[SetMemberRoleRequest, _Mapping]] = ..., ban: _Optional[_Union[BanProfilesRequest, _Mapping]] = ..., unban: _Optional[_Union[UnbanProfilesRequest, _Mapping]] = ..., update: _Optional[_Union[UpdateRoomRequest, _Mapping]] = ...) -> None: ...

class ListProposalsRequest(_message.Message):
    __slots__ = ("room_id", "state", "limit", "after_proposal_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    state: ProposalState
    limit: int
    after_proposal_id: str
    def __init__(self, room_id: _Optional[str] = ..., state: _Optional[_Union[ProposalState, str]] = ..., limit: _Optional[int] = ..., after_proposal_id: _Optional[str] = ...) -> None: ...

class ListProposalsResponse(_message.Message):
    __slots__ = ("proposals", "more")
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    proposals: _containers.RepeatedCompositeFieldContainer[Proposal]
    more: bool
    def __init__(self, proposals: _Optional[_Iterable[_Union[Proposal, _Mapping]]] = ..., more: bool = ...) -> None: ...

class ApproveProposalRequest(_message.Message):
    __slots__ = ("room_id", "proposal_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    proposal_id: str
    def __init__(self, room_id: _Optional[str] = ..., proposal_id: _Optional[str] = ...) -> None: ...

class ApproveProposalResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class RejectProposalRequest(_message.Message):
    __slots__ = ("room_id", "proposal_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    proposal_id: str
    def __init__(self, room_id: _Optional[str] = ..., proposal_id: _Optional[str] = ...) -> None: ...

class RejectProposalResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WithdrawProposalRequest(_message.Message):
    __slots__ = ("room_id", "proposal_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    proposal_id: str
    def __init__(self, room_id: _Optional[str] = ..., proposal_id: _Optional[str] = ...) -> None: ...

class WithdrawProposalResponse(_message.Message):
    __slots__ = ("withdrawn",)
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    withdrawn: bool
    def __init__(self, withdrawn: bool = ...) -> None: ...

class BlockProfilesRequest(_message.Message):
    __slots__ = ("profile_ids",)
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class BlockProfilesResponse(_message.Message):
    __slots__ = ("blocked",)
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    blocked: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, blocked: _Optional[_Iterable[str]] = ...) -> None: ...

class UnblockProfilesRequest(_message.Message):
    __slots__ = ("profile_ids",)
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, profile_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class UnblockProfilesResponse(_message.Message):
    __slots__ = ("unblocked",)
    UNBLOCKED_FIELD_NUMBER: _ClassVar[int]
    unblocked: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, unblocked: _Optional[_Iterable[str]] = ...) -> None: ...

class ListBlockedRequest(_message.Message):
    __slots__ = ("limit", "after_profile_id")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    limit: int
    after_profile_id: str
    def __init__(self, limit: _Optional[int] = ..., after_profile_id: _Optional[str] = ...) -> None: ...

class Blocked(_message.Message):
    __slots__ = ("profile_id", "blocked_at_us")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_AT_US_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    blocked_at_us: int
    def __init__(self, profile_id: _Optional[str] = ..., blocked_at_us: _Optional[int] = ...) -> None: ...

class ListBlockedResponse(_message.Message):
    __slots__ = ("blocked", "more")
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    blocked: _containers.RepeatedCompositeFieldContainer[Blocked]
    more: bool
    def __init__(self, blocked: _Optional[_Iterable[_Union[Blocked, _Mapping]]] = ..., more: bool = ...) -> None: ...

class ListMyRoomsRequest(_message.Message):
    __slots__ = ("recent_first", "after", "limit", "changed_since_us", "accept_zstd")
    RECENT_FIRST_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_SINCE_US_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_ZSTD_FIELD_NUMBER: _ClassVar[int]
    recent_first: bool
    after: str
    limit: int
    changed_since_us: int
    accept_zstd: bool
    def __init__(self, recent_first: bool = ..., after: _Optional[str] = ..., limit: _Optional[int] = ..., changed_since_us: _Optional[int] = ..., accept_zstd: bool = ...) -> None: ...

class MyRoom(_message.Message):
    __slots__ = ("room", "role", "joined_seq", "read_seq", "read_at_us", "unread", "level", "muted_until_us", "last_event", "mentions")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    JOINED_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_AT_US_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MUTED_UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    room: Room
    role: MemberRole
    joined_seq: int
    read_seq: int
    read_at_us: int
    unread: int
    level: NotificationLevel
    muted_until_us: int
    last_event: _payloads_pb2.EventDelivery
    mentions: int
    def __init__(self, room: _Optional[_Union[Room, _Mapping]] = ..., role: _Optional[_Union[MemberRole, str]] = ..., joined_seq: _Optional[int] = ..., read_seq: _Optional[int] = ..., read_at_us: _Optional[int] = ..., unread: _Optional[int] = ..., level: _Optional[_Union[NotificationLevel, str]] = ..., muted_until_us: _Optional[int] = ..., last_event: _Optional[_Union[_payloads_pb2.EventDelivery, _Mapping]] = ..., mentions: _Optional[int] = ...) -> None: ...

class ListMyRoomsResponse(_message.Message):
    __slots__ = ("rooms", "next_after")
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    rooms: _containers.RepeatedCompositeFieldContainer[MyRoom]
    next_after: str
    def __init__(self, rooms: _Optional[_Iterable[_Union[MyRoom, _Mapping]]] = ..., next_after: _Optional[str] = ...) -> None: ...

class GetRoomRequest(_message.Message):
    __slots__ = ("room_id", "accept_zstd")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_ZSTD_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    accept_zstd: bool
    def __init__(self, room_id: _Optional[str] = ..., accept_zstd: bool = ...) -> None: ...

class GetRoomResponse(_message.Message):
    __slots__ = ("room",)
    ROOM_FIELD_NUMBER: _ClassVar[int]
    room: MyRoom
    def __init__(self, room: _Optional[_Union[MyRoom, _Mapping]] = ...) -> None: ...

class ListMembersRequest(_message.Message):
    __slots__ = ("room_id", "limit", "after_profile_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    limit: int
    after_profile_id: str
    def __init__(self, room_id: _Optional[str] = ..., limit: _Optional[int] = ..., after_profile_id: _Optional[str] = ...) -> None: ...

class RoomMember(_message.Message):
    __slots__ = ("profile_id", "role", "joined_seq", "read_seq", "delivered_after_seq", "delivered_seq")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    JOINED_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_SEQ_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    role: MemberRole
    joined_seq: int
    read_seq: int
    delivered_after_seq: int
    delivered_seq: int
    def __init__(self, profile_id: _Optional[str] = ..., role: _Optional[_Union[MemberRole, str]] = ..., joined_seq: _Optional[int] = ..., read_seq: _Optional[int] = ..., delivered_after_seq: _Optional[int] = ..., delivered_seq: _Optional[int] = ...) -> None: ...

class ListMembersResponse(_message.Message):
    __slots__ = ("members", "more")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[RoomMember]
    more: bool
    def __init__(self, members: _Optional[_Iterable[_Union[RoomMember, _Mapping]]] = ..., more: bool = ...) -> None: ...

class DeleteRoomRequest(_message.Message):
    __slots__ = ("room_id",)
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    def __init__(self, room_id: _Optional[str] = ...) -> None: ...

class DeleteRoomResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class GetHistoryRequest(_message.Message):
    __slots__ = ("room_id", "before_seq", "limit", "accept_zstd", "after_seq", "since_us", "until_us", "around_seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SEQ_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_ZSTD_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    AROUND_SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    before_seq: int
    limit: int
    accept_zstd: bool
    after_seq: int
    since_us: int
    until_us: int
    around_seq: int
    def __init__(self, room_id: _Optional[str] = ..., before_seq: _Optional[int] = ..., limit: _Optional[int] = ..., accept_zstd: bool = ..., after_seq: _Optional[int] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., around_seq: _Optional[int] = ...) -> None: ...

class GetHistoryResponse(_message.Message):
    __slots__ = ("events", "more", "more_newer")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    MORE_NEWER_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_payloads_pb2.EventDelivery]
    more: bool
    more_newer: bool
    def __init__(self, events: _Optional[_Iterable[_Union[_payloads_pb2.EventDelivery, _Mapping]]] = ..., more: bool = ..., more_newer: bool = ...) -> None: ...

class GetEventRequest(_message.Message):
    __slots__ = ("room_id", "seq", "event_id", "sender_id", "accept_zstd")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_ZSTD_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    seq: int
    event_id: str
    sender_id: str
    accept_zstd: bool
    def __init__(self, room_id: _Optional[str] = ..., seq: _Optional[int] = ..., event_id: _Optional[str] = ..., sender_id: _Optional[str] = ..., accept_zstd: bool = ...) -> None: ...

class GetEventResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _payloads_pb2.EventDelivery
    def __init__(self, event: _Optional[_Union[_payloads_pb2.EventDelivery, _Mapping]] = ...) -> None: ...

class SearchEventsRequest(_message.Message):
    __slots__ = ("query", "room_ids", "sender_id", "since_us", "until_us", "after", "limit", "accept_zstd")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    ROOM_IDS_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_ZSTD_FIELD_NUMBER: _ClassVar[int]
    query: str
    room_ids: _containers.RepeatedScalarFieldContainer[str]
    sender_id: str
    since_us: int
    until_us: int
    after: str
    limit: int
    accept_zstd: bool
    def __init__(self, query: _Optional[str] = ..., room_ids: _Optional[_Iterable[str]] = ..., sender_id: _Optional[str] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ..., after: _Optional[str] = ..., limit: _Optional[int] = ..., accept_zstd: bool = ...) -> None: ...

class SnippetPart(_message.Message):
    __slots__ = ("text", "matches")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    text: str
    matches: bool
    def __init__(self, text: _Optional[str] = ..., matches: bool = ...) -> None: ...

class FoundEvent(_message.Message):
    __slots__ = ("event", "snippet")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    SNIPPET_FIELD_NUMBER: _ClassVar[int]
    event: _payloads_pb2.EventDelivery
    snippet: _containers.RepeatedCompositeFieldContainer[SnippetPart]
    def __init__(self, event: _Optional[_Union[_payloads_pb2.EventDelivery, _Mapping]] = ..., snippet: _Optional[_Iterable[_Union[SnippetPart, _Mapping]]] = ...) -> None: ...

class SearchEventsResponse(_message.Message):
    __slots__ = ("found", "next_after", "unindexed")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    UNINDEXED_FIELD_NUMBER: _ClassVar[int]
    found: _containers.RepeatedCompositeFieldContainer[FoundEvent]
    next_after: str
    unindexed: int
    def __init__(self, found: _Optional[_Iterable[_Union[FoundEvent, _Mapping]]] = ..., next_after: _Optional[str] = ..., unindexed: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("seq", "unread", "mentions")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    seq: int
    unread: int
    mentions: int
    def __init__(self, seq: _Optional[int] = ..., unread: _Optional[int] = ..., mentions: _Optional[int] = ...) -> None: ...

class RoomMark(_message.Message):
    __slots__ = ("room_id", "seq", "event_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    seq: int
    event_id: str
    def __init__(self, room_id: _Optional[str] = ..., seq: _Optional[int] = ..., event_id: _Optional[str] = ...) -> None: ...

class FindRewoundRequest(_message.Message):
    __slots__ = ("marks",)
    MARKS_FIELD_NUMBER: _ClassVar[int]
    marks: _containers.RepeatedCompositeFieldContainer[RoomMark]
    def __init__(self, marks: _Optional[_Iterable[_Union[RoomMark, _Mapping]]] = ...) -> None: ...

class RewoundRoom(_message.Message):
    __slots__ = ("room_id", "head_seq", "shown_seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQ_FIELD_NUMBER: _ClassVar[int]
    SHOWN_SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    head_seq: int
    shown_seq: int
    def __init__(self, room_id: _Optional[str] = ..., head_seq: _Optional[int] = ..., shown_seq: _Optional[int] = ...) -> None: ...

class FindRewoundResponse(_message.Message):
    __slots__ = ("rooms",)
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    rooms: _containers.RepeatedCompositeFieldContainer[RewoundRoom]
    def __init__(self, rooms: _Optional[_Iterable[_Union[RewoundRoom, _Mapping]]] = ...) -> None: ...

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
    __slots__ = ("room_id", "read_seq", "read_at_us", "head_seq", "unread", "name", "mentions")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_AT_US_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQ_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    read_seq: int
    read_at_us: int
    head_seq: int
    unread: int
    name: str
    mentions: int
    def __init__(self, room_id: _Optional[str] = ..., read_seq: _Optional[int] = ..., read_at_us: _Optional[int] = ..., head_seq: _Optional[int] = ..., unread: _Optional[int] = ..., name: _Optional[str] = ..., mentions: _Optional[int] = ...) -> None: ...

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
