from chatd.pb.chat.v1 import chat_pb2 as _chat_pb2
from chatd.pb.events.v1 import payloads_pb2 as _payloads_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NotificationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTIFICATION_STATE_UNSPECIFIED: _ClassVar[NotificationState]
    NOTIFICATION_STATE_WAITING: _ClassVar[NotificationState]
    NOTIFICATION_STATE_SENT: _ClassVar[NotificationState]
    NOTIFICATION_STATE_DEAD: _ClassVar[NotificationState]

class AuditKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_KIND_UNSPECIFIED: _ClassVar[AuditKind]
    AUDIT_KIND_ACT: _ClassVar[AuditKind]
    AUDIT_KIND_USE: _ClassVar[AuditKind]
    AUDIT_KIND_REFUSED: _ClassVar[AuditKind]
NOTIFICATION_STATE_UNSPECIFIED: NotificationState
NOTIFICATION_STATE_WAITING: NotificationState
NOTIFICATION_STATE_SENT: NotificationState
NOTIFICATION_STATE_DEAD: NotificationState
AUDIT_KIND_UNSPECIFIED: AuditKind
AUDIT_KIND_ACT: AuditKind
AUDIT_KIND_USE: AuditKind
AUDIT_KIND_REFUSED: AuditKind

class ListRoomsRequest(_message.Message):
    __slots__ = ("after_room_id", "limit", "order_by", "after")
    AFTER_ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    after_room_id: str
    limit: int
    order_by: str
    after: str
    def __init__(self, after_room_id: _Optional[str] = ..., limit: _Optional[int] = ..., order_by: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class ListRoomsResponse(_message.Message):
    __slots__ = ("rooms", "more", "next_after")
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    rooms: _containers.RepeatedCompositeFieldContainer[_chat_pb2.Room]
    more: bool
    next_after: str
    def __init__(self, rooms: _Optional[_Iterable[_Union[_chat_pb2.Room, _Mapping]]] = ..., more: bool = ..., next_after: _Optional[str] = ...) -> None: ...

class CountEventsRequest(_message.Message):
    __slots__ = ("since_us", "room_id", "before_seq")
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SEQ_FIELD_NUMBER: _ClassVar[int]
    since_us: int
    room_id: str
    before_seq: int
    def __init__(self, since_us: _Optional[int] = ..., room_id: _Optional[str] = ..., before_seq: _Optional[int] = ...) -> None: ...

class EventCount(_message.Message):
    __slots__ = ("room_id", "sender_id", "events", "last_at_us")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LAST_AT_US_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    sender_id: str
    events: int
    last_at_us: int
    def __init__(self, room_id: _Optional[str] = ..., sender_id: _Optional[str] = ..., events: _Optional[int] = ..., last_at_us: _Optional[int] = ...) -> None: ...

class CountEventsResponse(_message.Message):
    __slots__ = ("counts", "next_room_id", "next_before_seq", "more")
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_BEFORE_SEQ_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    counts: _containers.RepeatedCompositeFieldContainer[EventCount]
    next_room_id: str
    next_before_seq: int
    more: bool
    def __init__(self, counts: _Optional[_Iterable[_Union[EventCount, _Mapping]]] = ..., next_room_id: _Optional[str] = ..., next_before_seq: _Optional[int] = ..., more: bool = ...) -> None: ...

class GetRoomRequest(_message.Message):
    __slots__ = ("room_id", "after_profile_id", "limit")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    after_profile_id: str
    limit: int
    def __init__(self, room_id: _Optional[str] = ..., after_profile_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("profile_id", "owner", "joined_seq", "devices", "role")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    JOINED_SEQ_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    owner: bool
    joined_seq: int
    devices: int
    role: _chat_pb2.MemberRole
    def __init__(self, profile_id: _Optional[str] = ..., owner: bool = ..., joined_seq: _Optional[int] = ..., devices: _Optional[int] = ..., role: _Optional[_Union[_chat_pb2.MemberRole, str]] = ...) -> None: ...

class GetRoomResponse(_message.Message):
    __slots__ = ("room", "members", "published_seq", "more")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_SEQ_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    room: _chat_pb2.Room
    members: _containers.RepeatedCompositeFieldContainer[Member]
    published_seq: int
    more: bool
    def __init__(self, room: _Optional[_Union[_chat_pb2.Room, _Mapping]] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., published_seq: _Optional[int] = ..., more: bool = ...) -> None: ...

class ListOutboxRequest(_message.Message):
    __slots__ = ("profile_id", "device_id", "room_id", "limit", "order_by", "after")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    room_id: str
    limit: int
    order_by: str
    after: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., limit: _Optional[int] = ..., order_by: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class OutboxSummary(_message.Message):
    __slots__ = ("profile_id", "device_id", "room_id", "acked_seq", "owed_until_seq", "owed", "oldest_at_us", "attempts", "online")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    ACKED_SEQ_FIELD_NUMBER: _ClassVar[int]
    OWED_UNTIL_SEQ_FIELD_NUMBER: _ClassVar[int]
    OWED_FIELD_NUMBER: _ClassVar[int]
    OLDEST_AT_US_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    room_id: str
    acked_seq: int
    owed_until_seq: int
    owed: int
    oldest_at_us: int
    attempts: int
    online: bool
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., acked_seq: _Optional[int] = ..., owed_until_seq: _Optional[int] = ..., owed: _Optional[int] = ..., oldest_at_us: _Optional[int] = ..., attempts: _Optional[int] = ..., online: bool = ...) -> None: ...

class ListOutboxResponse(_message.Message):
    __slots__ = ("rows", "more", "next_after")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[OutboxSummary]
    more: bool
    next_after: str
    def __init__(self, rows: _Optional[_Iterable[_Union[OutboxSummary, _Mapping]]] = ..., more: bool = ..., next_after: _Optional[str] = ...) -> None: ...

class ListOutboxEntriesRequest(_message.Message):
    __slots__ = ("profile_id", "device_id", "room_id", "limit", "after")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    room_id: str
    limit: int
    after: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class OutboxEntry(_message.Message):
    __slots__ = ("event", "target")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    event: _payloads_pb2.EventLink
    target: _payloads_pb2.EventReceipt
    def __init__(self, event: _Optional[_Union[_payloads_pb2.EventLink, _Mapping]] = ..., target: _Optional[_Union[_payloads_pb2.EventReceipt, _Mapping]] = ...) -> None: ...

class ListOutboxEntriesResponse(_message.Message):
    __slots__ = ("entries", "more", "next_after")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[OutboxEntry]
    more: bool
    next_after: str
    def __init__(self, entries: _Optional[_Iterable[_Union[OutboxEntry, _Mapping]]] = ..., more: bool = ..., next_after: _Optional[str] = ...) -> None: ...

class GetBroadcastRequest(_message.Message):
    __slots__ = ("room_id", "seq", "after_profile_id", "after_device_id", "limit")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    seq: int
    after_profile_id: str
    after_device_id: str
    limit: int
    def __init__(self, room_id: _Optional[str] = ..., seq: _Optional[int] = ..., after_profile_id: _Optional[str] = ..., after_device_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class GetBroadcastResponse(_message.Message):
    __slots__ = ("broadcast", "more")
    BROADCAST_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    broadcast: _payloads_pb2.EventBroadcast
    more: bool
    def __init__(self, broadcast: _Optional[_Union[_payloads_pb2.EventBroadcast, _Mapping]] = ..., more: bool = ...) -> None: ...

class ExplainDeliveryRequest(_message.Message):
    __slots__ = ("room_id", "seq", "event_id", "sender_id", "profile_id", "device_id")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    seq: int
    event_id: str
    sender_id: str
    profile_id: str
    device_id: str
    def __init__(self, room_id: _Optional[str] = ..., seq: _Optional[int] = ..., event_id: _Optional[str] = ..., sender_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., device_id: _Optional[str] = ...) -> None: ...

class Membership(_message.Message):
    __slots__ = ("joined_seq", "joined_at_us", "left_seq", "left_at_us")
    JOINED_SEQ_FIELD_NUMBER: _ClassVar[int]
    JOINED_AT_US_FIELD_NUMBER: _ClassVar[int]
    LEFT_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEFT_AT_US_FIELD_NUMBER: _ClassVar[int]
    joined_seq: int
    joined_at_us: int
    left_seq: int
    left_at_us: int
    def __init__(self, joined_seq: _Optional[int] = ..., joined_at_us: _Optional[int] = ..., left_seq: _Optional[int] = ..., left_at_us: _Optional[int] = ...) -> None: ...

class DeviceStory(_message.Message):
    __slots__ = ("device_id", "created_at_us", "seen_at_us", "online", "is_recipient", "state", "acked_seq", "owed_before", "attempts", "first_failed_at_us", "last_failed_at_us", "letter_id", "letter_state", "reason", "notifier", "notified_at_us")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_US_FIELD_NUMBER: _ClassVar[int]
    SEEN_AT_US_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    IS_RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACKED_SEQ_FIELD_NUMBER: _ClassVar[int]
    OWED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FIRST_FAILED_AT_US_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILED_AT_US_FIELD_NUMBER: _ClassVar[int]
    LETTER_ID_FIELD_NUMBER: _ClassVar[int]
    LETTER_STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NOTIFIER_FIELD_NUMBER: _ClassVar[int]
    NOTIFIED_AT_US_FIELD_NUMBER: _ClassVar[int]
    device_id: str
    created_at_us: int
    seen_at_us: int
    online: bool
    is_recipient: bool
    state: _payloads_pb2.DeliveryState
    acked_seq: int
    owed_before: int
    attempts: int
    first_failed_at_us: int
    last_failed_at_us: int
    letter_id: str
    letter_state: str
    reason: str
    notifier: str
    notified_at_us: int
    def __init__(self, device_id: _Optional[str] = ..., created_at_us: _Optional[int] = ..., seen_at_us: _Optional[int] = ..., online: bool = ..., is_recipient: bool = ..., state: _Optional[_Union[_payloads_pb2.DeliveryState, str]] = ..., acked_seq: _Optional[int] = ..., owed_before: _Optional[int] = ..., attempts: _Optional[int] = ..., first_failed_at_us: _Optional[int] = ..., last_failed_at_us: _Optional[int] = ..., letter_id: _Optional[str] = ..., letter_state: _Optional[str] = ..., reason: _Optional[str] = ..., notifier: _Optional[str] = ..., notified_at_us: _Optional[int] = ...) -> None: ...

class ExplainDeliveryResponse(_message.Message):
    __slots__ = ("event", "published", "removed", "membership", "nearest", "devices", "read_at_us")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    READ_AT_US_FIELD_NUMBER: _ClassVar[int]
    event: _payloads_pb2.EventLink
    published: bool
    removed: bool
    membership: Membership
    nearest: Membership
    devices: _containers.RepeatedCompositeFieldContainer[DeviceStory]
    read_at_us: int
    def __init__(self, event: _Optional[_Union[_payloads_pb2.EventLink, _Mapping]] = ..., published: bool = ..., removed: bool = ..., membership: _Optional[_Union[Membership, _Mapping]] = ..., nearest: _Optional[_Union[Membership, _Mapping]] = ..., devices: _Optional[_Iterable[_Union[DeviceStory, _Mapping]]] = ..., read_at_us: _Optional[int] = ...) -> None: ...

class ListConnectionsRequest(_message.Message):
    __slots__ = ("profile_id", "limit", "after_profile_id", "after_device_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    limit: int
    after_profile_id: str
    after_device_id: str
    def __init__(self, profile_id: _Optional[str] = ..., limit: _Optional[int] = ..., after_profile_id: _Optional[str] = ..., after_device_id: _Optional[str] = ...) -> None: ...

class Connection(_message.Message):
    __slots__ = ("profile_id", "device_id", "epoch", "gateway_id", "client", "since_us", "seen_us")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    SEEN_US_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    epoch: int
    gateway_id: str
    client: str
    since_us: int
    seen_us: int
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., epoch: _Optional[int] = ..., gateway_id: _Optional[str] = ..., client: _Optional[str] = ..., since_us: _Optional[int] = ..., seen_us: _Optional[int] = ...) -> None: ...

class ListConnectionsResponse(_message.Message):
    __slots__ = ("connections", "more")
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    connections: _containers.RepeatedCompositeFieldContainer[Connection]
    more: bool
    def __init__(self, connections: _Optional[_Iterable[_Union[Connection, _Mapping]]] = ..., more: bool = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("node_id", "version", "uptime_seconds", "database", "devices_online", "events_committed", "commits", "deliveries_published", "events_pulled", "requests_refused", "events_purged", "devices_expired", "signals_published", "signals_dropped", "presence_changes", "notifications_sent", "notifications_failed", "notifications_dead", "gateways", "database_away_since_us", "orphans_deleted", "log", "devices_replaced", "peers_refused", "topics_refused", "drained", "queue_messages_dropped", "stages", "stage_bounds_us", "cache_problem", "search_events_indexed")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DATABASE_FIELD_NUMBER: _ClassVar[int]
    DEVICES_ONLINE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    COMMITS_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    EVENTS_PULLED_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_REFUSED_FIELD_NUMBER: _ClassVar[int]
    EVENTS_PURGED_FIELD_NUMBER: _ClassVar[int]
    DEVICES_EXPIRED_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_DROPPED_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_CHANGES_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_SENT_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_FAILED_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_DEAD_FIELD_NUMBER: _ClassVar[int]
    GATEWAYS_FIELD_NUMBER: _ClassVar[int]
    DATABASE_AWAY_SINCE_US_FIELD_NUMBER: _ClassVar[int]
    ORPHANS_DELETED_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    DEVICES_REPLACED_FIELD_NUMBER: _ClassVar[int]
    PEERS_REFUSED_FIELD_NUMBER: _ClassVar[int]
    TOPICS_REFUSED_FIELD_NUMBER: _ClassVar[int]
    DRAINED_FIELD_NUMBER: _ClassVar[int]
    QUEUE_MESSAGES_DROPPED_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    STAGE_BOUNDS_US_FIELD_NUMBER: _ClassVar[int]
    CACHE_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    SEARCH_EVENTS_INDEXED_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    version: str
    uptime_seconds: float
    database: str
    devices_online: int
    events_committed: int
    commits: int
    deliveries_published: int
    events_pulled: int
    requests_refused: int
    events_purged: int
    devices_expired: int
    signals_published: int
    signals_dropped: int
    presence_changes: int
    notifications_sent: int
    notifications_failed: int
    notifications_dead: int
    gateways: _containers.RepeatedCompositeFieldContainer[GatewayStatus]
    database_away_since_us: int
    orphans_deleted: int
    log: str
    devices_replaced: int
    peers_refused: int
    topics_refused: int
    drained: bool
    queue_messages_dropped: int
    stages: _containers.RepeatedCompositeFieldContainer[StageTimes]
    stage_bounds_us: _containers.RepeatedScalarFieldContainer[int]
    cache_problem: str
    search_events_indexed: int
    def __init__(self, node_id: _Optional[str] = ..., version: _Optional[str] = ..., uptime_seconds: _Optional[float] = ..., database: _Optional[str] = ..., devices_online: _Optional[int] = ..., events_committed: _Optional[int] = ..., commits: _Optional[int] = ..., deliveries_published: _Optional[int] = ..., events_pulled: _Optional[int] = ..., requests_refused: _Optional[int] = ..., events_purged: _Optional[int] = ..., devices_expired: _Optional[int] = ..., signals_published: _Optional[int] = ..., signals_dropped: _Optional[int] = ..., presence_changes: _Optional[int] = ..., notifications_sent: _Optional[int] = ..., notifications_failed: _Optional[int] = ..., notifications_dead: _Optional[int] = ..., gateways: _Optional[_Iterable[_Union[GatewayStatus, _Mapping]]] = ..., database_away_since_us: _Optional[int] = ..., orphans_deleted: _Optional[int] = ..., log: _Optional[str] = ..., devices_replaced: _Optional[int] = ..., peers_refused: _Optional[int] = ..., topics_refused: _Optional[int] = ..., drained: bool = ..., queue_messages_dropped: _Optional[int] = ..., stages: _Optional[_Iterable[_Union[StageTimes, _Mapping]]] = ..., stage_bounds_us: _Optional[_Iterable[int]] = ..., cache_problem: _Optional[str] = ..., search_events_indexed: _Optional[int] = ...) -> None: ...

class StageTimes(_message.Message):
    __slots__ = ("stage", "counts")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    stage: str
    counts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, stage: _Optional[str] = ..., counts: _Optional[_Iterable[int]] = ...) -> None: ...

class GatewayStatus(_message.Message):
    __slots__ = ("gateway_id", "uri", "counters", "refused", "queue_problem", "heard_for_us", "streams", "drained", "stages", "streams_catching_up", "windows_full")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    QUEUE_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    HEARD_FOR_US_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    DRAINED_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    STREAMS_CATCHING_UP_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FULL_FIELD_NUMBER: _ClassVar[int]
    gateway_id: str
    uri: str
    counters: _containers.ScalarMap[str, int]
    refused: str
    queue_problem: str
    heard_for_us: int
    streams: int
    drained: bool
    stages: _containers.RepeatedCompositeFieldContainer[StageTimes]
    streams_catching_up: int
    windows_full: int
    def __init__(self, gateway_id: _Optional[str] = ..., uri: _Optional[str] = ..., counters: _Optional[_Mapping[str, int]] = ..., refused: _Optional[str] = ..., queue_problem: _Optional[str] = ..., heard_for_us: _Optional[int] = ..., streams: _Optional[int] = ..., drained: bool = ..., stages: _Optional[_Iterable[_Union[StageTimes, _Mapping]]] = ..., streams_catching_up: _Optional[int] = ..., windows_full: _Optional[int] = ...) -> None: ...

class ListNodesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Node(_message.Message):
    __slots__ = ("node_id", "kind", "uri", "queue_uri", "version", "started_at_us", "lease_left_us", "protocol", "refused", "drained")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    QUEUE_URI_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_US_FIELD_NUMBER: _ClassVar[int]
    LEASE_LEFT_US_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    DRAINED_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    kind: str
    uri: str
    queue_uri: str
    version: str
    started_at_us: int
    lease_left_us: int
    protocol: int
    refused: str
    drained: bool
    def __init__(self, node_id: _Optional[str] = ..., kind: _Optional[str] = ..., uri: _Optional[str] = ..., queue_uri: _Optional[str] = ..., version: _Optional[str] = ..., started_at_us: _Optional[int] = ..., lease_left_us: _Optional[int] = ..., protocol: _Optional[int] = ..., refused: _Optional[str] = ..., drained: bool = ...) -> None: ...

class ListNodesResponse(_message.Message):
    __slots__ = ("nodes",)
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    def __init__(self, nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ...) -> None: ...

class SkipOutboxRequest(_message.Message):
    __slots__ = ("profile_id", "device_id", "room_id", "seq", "until_seq", "until_us", "dry_run")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    UNTIL_SEQ_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    room_id: str
    seq: int
    until_seq: int
    until_us: int
    dry_run: bool
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., seq: _Optional[int] = ..., until_seq: _Optional[int] = ..., until_us: _Optional[int] = ..., dry_run: bool = ...) -> None: ...

class SkipOutboxResponse(_message.Message):
    __slots__ = ("skipped", "rooms")
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    skipped: int
    rooms: int
    def __init__(self, skipped: _Optional[int] = ..., rooms: _Optional[int] = ...) -> None: ...

class ReplayOutboxRequest(_message.Message):
    __slots__ = ("profile_id", "device_id", "room_id", "from_seq", "from_us", "dry_run", "last")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQ_FIELD_NUMBER: _ClassVar[int]
    FROM_US_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    room_id: str
    from_seq: int
    from_us: int
    dry_run: bool
    last: int
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., from_seq: _Optional[int] = ..., from_us: _Optional[int] = ..., dry_run: bool = ..., last: _Optional[int] = ...) -> None: ...

class ReplayOutboxResponse(_message.Message):
    __slots__ = ("replayed", "rooms", "removed")
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    replayed: int
    rooms: int
    removed: int
    def __init__(self, replayed: _Optional[int] = ..., rooms: _Optional[int] = ..., removed: _Optional[int] = ...) -> None: ...

class ListDeadLettersRequest(_message.Message):
    __slots__ = ("letter_id", "profile_id", "device_id", "room_id", "limit", "after")
    LETTER_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    letter_id: str
    profile_id: str
    device_id: str
    room_id: str
    limit: int
    after: str
    def __init__(self, letter_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class DeadLetter(_message.Message):
    __slots__ = ("letter_id", "event", "profile_id", "device_id", "reason", "text", "attempts", "first_failed_at_us", "dead_at_us", "replaying")
    LETTER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FIRST_FAILED_AT_US_FIELD_NUMBER: _ClassVar[int]
    DEAD_AT_US_FIELD_NUMBER: _ClassVar[int]
    REPLAYING_FIELD_NUMBER: _ClassVar[int]
    letter_id: str
    event: _payloads_pb2.EventLink
    profile_id: str
    device_id: str
    reason: _payloads_pb2.SkipReason
    text: str
    attempts: int
    first_failed_at_us: int
    dead_at_us: int
    replaying: bool
    def __init__(self, letter_id: _Optional[str] = ..., event: _Optional[_Union[_payloads_pb2.EventLink, _Mapping]] = ..., profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., reason: _Optional[_Union[_payloads_pb2.SkipReason, str]] = ..., text: _Optional[str] = ..., attempts: _Optional[int] = ..., first_failed_at_us: _Optional[int] = ..., dead_at_us: _Optional[int] = ..., replaying: bool = ...) -> None: ...

class ListDeadLettersResponse(_message.Message):
    __slots__ = ("letters", "more", "next_after")
    LETTERS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    letters: _containers.RepeatedCompositeFieldContainer[DeadLetter]
    more: bool
    next_after: str
    def __init__(self, letters: _Optional[_Iterable[_Union[DeadLetter, _Mapping]]] = ..., more: bool = ..., next_after: _Optional[str] = ...) -> None: ...

class ReplayDeadLettersRequest(_message.Message):
    __slots__ = ("letter_ids", "all", "profile_id", "device_id", "room_id", "after_letter_id", "dry_run")
    LETTER_IDS_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_LETTER_ID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    letter_ids: _containers.RepeatedScalarFieldContainer[str]
    all: bool
    profile_id: str
    device_id: str
    room_id: str
    after_letter_id: str
    dry_run: bool
    def __init__(self, letter_ids: _Optional[_Iterable[str]] = ..., all: bool = ..., profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., after_letter_id: _Optional[str] = ..., dry_run: bool = ...) -> None: ...

class ReplayDeadLettersResponse(_message.Message):
    __slots__ = ("replayed", "unknown", "next_after_letter_id", "matching")
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_LETTER_ID_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    replayed: _containers.RepeatedScalarFieldContainer[str]
    unknown: _containers.RepeatedScalarFieldContainer[str]
    next_after_letter_id: str
    matching: int
    def __init__(self, replayed: _Optional[_Iterable[str]] = ..., unknown: _Optional[_Iterable[str]] = ..., next_after_letter_id: _Optional[str] = ..., matching: _Optional[int] = ...) -> None: ...

class DropDeadLettersRequest(_message.Message):
    __slots__ = ("letter_ids", "all", "profile_id", "device_id", "room_id", "after_letter_id", "dry_run")
    LETTER_IDS_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_LETTER_ID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    letter_ids: _containers.RepeatedScalarFieldContainer[str]
    all: bool
    profile_id: str
    device_id: str
    room_id: str
    after_letter_id: str
    dry_run: bool
    def __init__(self, letter_ids: _Optional[_Iterable[str]] = ..., all: bool = ..., profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., after_letter_id: _Optional[str] = ..., dry_run: bool = ...) -> None: ...

class DropDeadLettersResponse(_message.Message):
    __slots__ = ("dropped", "unknown", "next_after_letter_id", "matching")
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_LETTER_ID_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    dropped: _containers.RepeatedScalarFieldContainer[str]
    unknown: _containers.RepeatedScalarFieldContainer[str]
    next_after_letter_id: str
    matching: int
    def __init__(self, dropped: _Optional[_Iterable[str]] = ..., unknown: _Optional[_Iterable[str]] = ..., next_after_letter_id: _Optional[str] = ..., matching: _Optional[int] = ...) -> None: ...

class PurgeRoomHistoryRequest(_message.Message):
    __slots__ = ("room_id", "up_to_seq", "before_us")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    UP_TO_SEQ_FIELD_NUMBER: _ClassVar[int]
    BEFORE_US_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    up_to_seq: int
    before_us: int
    def __init__(self, room_id: _Optional[str] = ..., up_to_seq: _Optional[int] = ..., before_us: _Optional[int] = ...) -> None: ...

class PurgeRoomHistoryResponse(_message.Message):
    __slots__ = ("first_seq", "removed", "more")
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    first_seq: int
    removed: int
    more: bool
    def __init__(self, first_seq: _Optional[int] = ..., removed: _Optional[int] = ..., more: bool = ...) -> None: ...

class EraseProfileRequest(_message.Message):
    __slots__ = ("profile_id",)
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    def __init__(self, profile_id: _Optional[str] = ...) -> None: ...

class EraseProfileResponse(_message.Message):
    __slots__ = ("erased", "more")
    ERASED_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    erased: int
    more: bool
    def __init__(self, erased: _Optional[int] = ..., more: bool = ...) -> None: ...

class ListDevicesRequest(_message.Message):
    __slots__ = ("profile_id", "device_id", "limit", "after_profile_id", "after_device_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    limit: int
    after_profile_id: str
    after_device_id: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., limit: _Optional[int] = ..., after_profile_id: _Optional[str] = ..., after_device_id: _Optional[str] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("profile_id", "device_id", "epoch", "created_at_us", "seen_at_us", "online", "owed", "rooms_owed", "notifier")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_US_FIELD_NUMBER: _ClassVar[int]
    SEEN_AT_US_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    OWED_FIELD_NUMBER: _ClassVar[int]
    ROOMS_OWED_FIELD_NUMBER: _ClassVar[int]
    NOTIFIER_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    epoch: int
    created_at_us: int
    seen_at_us: int
    online: bool
    owed: int
    rooms_owed: int
    notifier: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., epoch: _Optional[int] = ..., created_at_us: _Optional[int] = ..., seen_at_us: _Optional[int] = ..., online: bool = ..., owed: _Optional[int] = ..., rooms_owed: _Optional[int] = ..., notifier: _Optional[str] = ...) -> None: ...

class ListDevicesResponse(_message.Message):
    __slots__ = ("devices", "more")
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    more: bool
    def __init__(self, devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ..., more: bool = ...) -> None: ...

class ForgetDeviceRequest(_message.Message):
    __slots__ = ("profile_id", "device_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ...) -> None: ...

class ForgetDeviceResponse(_message.Message):
    __slots__ = ("forgotten",)
    FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    forgotten: bool
    def __init__(self, forgotten: bool = ...) -> None: ...

class TestNotificationRequest(_message.Message):
    __slots__ = ("profile_id", "device_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ...) -> None: ...

class TestNotificationResponse(_message.Message):
    __slots__ = ("notifier", "sent", "error")
    NOTIFIER_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    notifier: str
    sent: bool
    error: str
    def __init__(self, notifier: _Optional[str] = ..., sent: bool = ..., error: _Optional[str] = ...) -> None: ...

class ListNotificationsRequest(_message.Message):
    __slots__ = ("state", "profile_id", "limit", "after")
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    state: NotificationState
    profile_id: str
    limit: int
    after: str
    def __init__(self, state: _Optional[_Union[NotificationState, str]] = ..., profile_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class Notification(_message.Message):
    __slots__ = ("profile_id", "device_id", "notifier", "state", "room_id", "seq", "attempts", "error", "at_us")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    NOTIFIER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    notifier: str
    state: NotificationState
    room_id: str
    seq: int
    attempts: int
    error: str
    at_us: int
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., notifier: _Optional[str] = ..., state: _Optional[_Union[NotificationState, str]] = ..., room_id: _Optional[str] = ..., seq: _Optional[int] = ..., attempts: _Optional[int] = ..., error: _Optional[str] = ..., at_us: _Optional[int] = ...) -> None: ...

class ListNotificationsResponse(_message.Message):
    __slots__ = ("notifications", "more", "next_after")
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_AFTER_FIELD_NUMBER: _ClassVar[int]
    notifications: _containers.RepeatedCompositeFieldContainer[Notification]
    more: bool
    next_after: str
    def __init__(self, notifications: _Optional[_Iterable[_Union[Notification, _Mapping]]] = ..., more: bool = ..., next_after: _Optional[str] = ...) -> None: ...

class RetryNotificationsRequest(_message.Message):
    __slots__ = ("profile_id", "device_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ...) -> None: ...

class RetryNotificationsResponse(_message.Message):
    __slots__ = ("retried", "more")
    RETRIED_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    retried: int
    more: bool
    def __init__(self, retried: _Optional[int] = ..., more: bool = ...) -> None: ...

class DropNotificationsRequest(_message.Message):
    __slots__ = ("profile_id", "device_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ...) -> None: ...

class DropNotificationsResponse(_message.Message):
    __slots__ = ("dropped", "more")
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    dropped: int
    more: bool
    def __init__(self, dropped: _Optional[int] = ..., more: bool = ...) -> None: ...

class RevokeTokensRequest(_message.Message):
    __slots__ = ("digest", "profile_id", "expires_at_us")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_US_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    profile_id: str
    expires_at_us: int
    def __init__(self, digest: _Optional[bytes] = ..., profile_id: _Optional[str] = ..., expires_at_us: _Optional[int] = ...) -> None: ...

class RevokeTokensResponse(_message.Message):
    __slots__ = ("before_us",)
    BEFORE_US_FIELD_NUMBER: _ClassVar[int]
    before_us: int
    def __init__(self, before_us: _Optional[int] = ...) -> None: ...

class ListRevocationsRequest(_message.Message):
    __slots__ = ("before_version", "limit")
    BEFORE_VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    before_version: int
    limit: int
    def __init__(self, before_version: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class ListRevocationsResponse(_message.Message):
    __slots__ = ("revocations", "more")
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    revocations: _containers.RepeatedCompositeFieldContainer[Revocation]
    more: bool
    def __init__(self, revocations: _Optional[_Iterable[_Union[Revocation, _Mapping]]] = ..., more: bool = ...) -> None: ...

class Revocation(_message.Message):
    __slots__ = ("version", "digest", "profile_id", "before_us", "expires_at_us")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_US_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_US_FIELD_NUMBER: _ClassVar[int]
    version: int
    digest: bytes
    profile_id: str
    before_us: int
    expires_at_us: int
    def __init__(self, version: _Optional[int] = ..., digest: _Optional[bytes] = ..., profile_id: _Optional[str] = ..., before_us: _Optional[int] = ..., expires_at_us: _Optional[int] = ...) -> None: ...

class AuditLine(_message.Message):
    __slots__ = ("line_id", "at_us", "kind", "profile_id", "acting_for", "address", "gateway_id", "what", "objects", "outcome", "repeated")
    LINE_ID_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    ACTING_FOR_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    line_id: str
    at_us: int
    kind: AuditKind
    profile_id: str
    acting_for: str
    address: str
    gateway_id: str
    what: str
    objects: str
    outcome: str
    repeated: int
    def __init__(self, line_id: _Optional[str] = ..., at_us: _Optional[int] = ..., kind: _Optional[_Union[AuditKind, str]] = ..., profile_id: _Optional[str] = ..., acting_for: _Optional[str] = ..., address: _Optional[str] = ..., gateway_id: _Optional[str] = ..., what: _Optional[str] = ..., objects: _Optional[str] = ..., outcome: _Optional[str] = ..., repeated: _Optional[int] = ...) -> None: ...

class ListAuditRequest(_message.Message):
    __slots__ = ("profile_id", "since_us", "limit", "before_line_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_LINE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    since_us: int
    limit: int
    before_line_id: str
    def __init__(self, profile_id: _Optional[str] = ..., since_us: _Optional[int] = ..., limit: _Optional[int] = ..., before_line_id: _Optional[str] = ...) -> None: ...

class ListAuditResponse(_message.Message):
    __slots__ = ("lines", "more")
    LINES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[AuditLine]
    more: bool
    def __init__(self, lines: _Optional[_Iterable[_Union[AuditLine, _Mapping]]] = ..., more: bool = ...) -> None: ...

class KickConnectionsRequest(_message.Message):
    __slots__ = ("profile_id", "device_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ...) -> None: ...

class EndedStream(_message.Message):
    __slots__ = ("profile_id", "device_id", "epoch", "gateway_id", "address")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    epoch: int
    gateway_id: str
    address: str
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., epoch: _Optional[int] = ..., gateway_id: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class KickConnectionsResponse(_message.Message):
    __slots__ = ("ended", "silent")
    ENDED_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    ended: _containers.RepeatedCompositeFieldContainer[EndedStream]
    silent: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ended: _Optional[_Iterable[_Union[EndedStream, _Mapping]]] = ..., silent: _Optional[_Iterable[str]] = ...) -> None: ...

class ListStreamsRequest(_message.Message):
    __slots__ = ("gateway_id", "limit")
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    gateway_id: str
    limit: int
    def __init__(self, gateway_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class OpenStream(_message.Message):
    __slots__ = ("profile_id", "device_id", "epoch", "gateway_id", "address", "catching_up", "in_flight", "window")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CATCHING_UP_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    epoch: int
    gateway_id: str
    address: str
    catching_up: bool
    in_flight: int
    window: int
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., epoch: _Optional[int] = ..., gateway_id: _Optional[str] = ..., address: _Optional[str] = ..., catching_up: bool = ..., in_flight: _Optional[int] = ..., window: _Optional[int] = ...) -> None: ...

class ListStreamsResponse(_message.Message):
    __slots__ = ("streams", "more", "silent")
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[OpenStream]
    more: bool
    silent: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, streams: _Optional[_Iterable[_Union[OpenStream, _Mapping]]] = ..., more: bool = ..., silent: _Optional[_Iterable[str]] = ...) -> None: ...

class TraceStreamRequest(_message.Message):
    __slots__ = ("profile_id", "device_id", "trace_id", "payloads", "end")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOADS_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    trace_id: str
    payloads: bool
    end: bool
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., payloads: bool = ..., end: bool = ...) -> None: ...

class TracedRun(_message.Message):
    __slots__ = ("room_id", "first_seq", "last_seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    first_seq: int
    last_seq: int
    def __init__(self, room_id: _Optional[str] = ..., first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ...) -> None: ...

class TracedFrame(_message.Message):
    __slots__ = ("at_us", "gateway_id", "from_device", "kind", "size", "epoch", "runs", "deliveries", "up_to", "in_flight", "window", "text", "payloads")
    AT_US_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_DEVICE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    UP_TO_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PAYLOADS_FIELD_NUMBER: _ClassVar[int]
    at_us: int
    gateway_id: str
    from_device: bool
    kind: str
    size: int
    epoch: int
    runs: _containers.RepeatedCompositeFieldContainer[TracedRun]
    deliveries: int
    up_to: int
    in_flight: int
    window: int
    text: str
    payloads: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, at_us: _Optional[int] = ..., gateway_id: _Optional[str] = ..., from_device: bool = ..., kind: _Optional[str] = ..., size: _Optional[int] = ..., epoch: _Optional[int] = ..., runs: _Optional[_Iterable[_Union[TracedRun, _Mapping]]] = ..., deliveries: _Optional[int] = ..., up_to: _Optional[int] = ..., in_flight: _Optional[int] = ..., window: _Optional[int] = ..., text: _Optional[str] = ..., payloads: _Optional[_Iterable[str]] = ...) -> None: ...

class TraceStreamResponse(_message.Message):
    __slots__ = ("frames", "lost", "gateways", "silent")
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    GATEWAYS_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[TracedFrame]
    lost: int
    gateways: _containers.RepeatedScalarFieldContainer[str]
    silent: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, frames: _Optional[_Iterable[_Union[TracedFrame, _Mapping]]] = ..., lost: _Optional[int] = ..., gateways: _Optional[_Iterable[str]] = ..., silent: _Optional[_Iterable[str]] = ...) -> None: ...

class DrainProcessRequest(_message.Message):
    __slots__ = ("gateway_id", "node_id")
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    gateway_id: str
    node_id: str
    def __init__(self, gateway_id: _Optional[str] = ..., node_id: _Optional[str] = ...) -> None: ...

class DrainProcessResponse(_message.Message):
    __slots__ = ("left", "elsewhere")
    LEFT_FIELD_NUMBER: _ClassVar[int]
    ELSEWHERE_FIELD_NUMBER: _ClassVar[int]
    left: int
    elsewhere: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, left: _Optional[int] = ..., elsewhere: _Optional[_Iterable[str]] = ...) -> None: ...

class ResumeProcessRequest(_message.Message):
    __slots__ = ("gateway_id", "node_id")
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    gateway_id: str
    node_id: str
    def __init__(self, gateway_id: _Optional[str] = ..., node_id: _Optional[str] = ...) -> None: ...

class ResumeProcessResponse(_message.Message):
    __slots__ = ("resumed",)
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    resumed: bool
    def __init__(self, resumed: bool = ...) -> None: ...

class InspectProcessesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Disk(_message.Message):
    __slots__ = ("holds", "free_bytes", "total_bytes")
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    holds: str
    free_bytes: int
    total_bytes: int
    def __init__(self, holds: _Optional[str] = ..., free_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class InspectedProcess(_message.Message):
    __slots__ = ("node_id", "kind", "now_us", "open_files", "max_files", "disks", "exposed", "supervised", "watched", "certificate_expires_us", "unsafe_settings", "slow_settings")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NOW_US_FIELD_NUMBER: _ClassVar[int]
    OPEN_FILES_FIELD_NUMBER: _ClassVar[int]
    MAX_FILES_FIELD_NUMBER: _ClassVar[int]
    DISKS_FIELD_NUMBER: _ClassVar[int]
    EXPOSED_FIELD_NUMBER: _ClassVar[int]
    SUPERVISED_FIELD_NUMBER: _ClassVar[int]
    WATCHED_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_EXPIRES_US_FIELD_NUMBER: _ClassVar[int]
    UNSAFE_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    SLOW_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    kind: str
    now_us: int
    open_files: int
    max_files: int
    disks: _containers.RepeatedCompositeFieldContainer[Disk]
    exposed: _containers.RepeatedScalarFieldContainer[str]
    supervised: bool
    watched: bool
    certificate_expires_us: int
    unsafe_settings: _containers.RepeatedScalarFieldContainer[str]
    slow_settings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, node_id: _Optional[str] = ..., kind: _Optional[str] = ..., now_us: _Optional[int] = ..., open_files: _Optional[int] = ..., max_files: _Optional[int] = ..., disks: _Optional[_Iterable[_Union[Disk, _Mapping]]] = ..., exposed: _Optional[_Iterable[str]] = ..., supervised: bool = ..., watched: bool = ..., certificate_expires_us: _Optional[int] = ..., unsafe_settings: _Optional[_Iterable[str]] = ..., slow_settings: _Optional[_Iterable[str]] = ...) -> None: ...

class InspectProcessesResponse(_message.Message):
    __slots__ = ("processes", "silent")
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    processes: _containers.RepeatedCompositeFieldContainer[InspectedProcess]
    silent: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, processes: _Optional[_Iterable[_Union[InspectedProcess, _Mapping]]] = ..., silent: _Optional[_Iterable[str]] = ...) -> None: ...

class SetLogLevelRequest(_message.Message):
    __slots__ = ("level", "gateway_id", "node_id")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    level: str
    gateway_id: str
    node_id: str
    def __init__(self, level: _Optional[str] = ..., gateway_id: _Optional[str] = ..., node_id: _Optional[str] = ...) -> None: ...

class ProcessLogLevel(_message.Message):
    __slots__ = ("node_id", "kind", "level", "before")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    kind: str
    level: str
    before: str
    def __init__(self, node_id: _Optional[str] = ..., kind: _Optional[str] = ..., level: _Optional[str] = ..., before: _Optional[str] = ...) -> None: ...

class SetLogLevelResponse(_message.Message):
    __slots__ = ("processes", "silent")
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    processes: _containers.RepeatedCompositeFieldContainer[ProcessLogLevel]
    silent: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, processes: _Optional[_Iterable[_Union[ProcessLogLevel, _Mapping]]] = ..., silent: _Optional[_Iterable[str]] = ...) -> None: ...

class ReloadSettingsRequest(_message.Message):
    __slots__ = ("gateway_id", "node_id")
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    gateway_id: str
    node_id: str
    def __init__(self, gateway_id: _Optional[str] = ..., node_id: _Optional[str] = ...) -> None: ...

class ProcessReload(_message.Message):
    __slots__ = ("node_id", "kind", "changed", "at_next_start", "streams_ended", "faults")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    AT_NEXT_START_FIELD_NUMBER: _ClassVar[int]
    STREAMS_ENDED_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    kind: str
    changed: _containers.RepeatedScalarFieldContainer[str]
    at_next_start: _containers.RepeatedScalarFieldContainer[str]
    streams_ended: int
    faults: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, node_id: _Optional[str] = ..., kind: _Optional[str] = ..., changed: _Optional[_Iterable[str]] = ..., at_next_start: _Optional[_Iterable[str]] = ..., streams_ended: _Optional[int] = ..., faults: _Optional[_Iterable[str]] = ...) -> None: ...

class ReloadSettingsResponse(_message.Message):
    __slots__ = ("processes", "silent")
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    processes: _containers.RepeatedCompositeFieldContainer[ProcessReload]
    silent: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, processes: _Optional[_Iterable[_Union[ProcessReload, _Mapping]]] = ..., silent: _Optional[_Iterable[str]] = ...) -> None: ...
