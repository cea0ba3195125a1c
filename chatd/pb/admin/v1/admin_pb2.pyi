from chatd.pb.chat.v1 import chat_pb2 as _chat_pb2
from chatd.pb.events.v1 import payloads_pb2 as _payloads_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListRoomsRequest(_message.Message):
    __slots__ = ("after_room_id", "limit")
    AFTER_ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    after_room_id: str
    limit: int
    def __init__(self, after_room_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListRoomsResponse(_message.Message):
    __slots__ = ("rooms", "more")
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    rooms: _containers.RepeatedCompositeFieldContainer[_chat_pb2.Room]
    more: bool
    def __init__(self, rooms: _Optional[_Iterable[_Union[_chat_pb2.Room, _Mapping]]] = ..., more: bool = ...) -> None: ...

class GetRoomRequest(_message.Message):
    __slots__ = ("room_id",)
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    def __init__(self, room_id: _Optional[str] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("profile_id", "owner", "joined_seq", "devices")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    JOINED_SEQ_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    owner: bool
    joined_seq: int
    devices: int
    def __init__(self, profile_id: _Optional[str] = ..., owner: bool = ..., joined_seq: _Optional[int] = ..., devices: _Optional[int] = ...) -> None: ...

class GetRoomResponse(_message.Message):
    __slots__ = ("room", "members", "fanned_seq")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    FANNED_SEQ_FIELD_NUMBER: _ClassVar[int]
    room: _chat_pb2.Room
    members: _containers.RepeatedCompositeFieldContainer[Member]
    fanned_seq: int
    def __init__(self, room: _Optional[_Union[_chat_pb2.Room, _Mapping]] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., fanned_seq: _Optional[int] = ...) -> None: ...

class ListOutboxRequest(_message.Message):
    __slots__ = ("profile_id", "device_id", "room_id", "limit")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    room_id: str
    limit: int
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("rows", "more")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[OutboxSummary]
    more: bool
    def __init__(self, rows: _Optional[_Iterable[_Union[OutboxSummary, _Mapping]]] = ..., more: bool = ...) -> None: ...

class ListOutboxEntriesRequest(_message.Message):
    __slots__ = ("profile_id", "device_id", "room_id", "limit")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    room_id: str
    limit: int
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., room_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class OutboxEntry(_message.Message):
    __slots__ = ("event", "target")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    event: _payloads_pb2.EventLink
    target: _payloads_pb2.EventReceipt
    def __init__(self, event: _Optional[_Union[_payloads_pb2.EventLink, _Mapping]] = ..., target: _Optional[_Union[_payloads_pb2.EventReceipt, _Mapping]] = ...) -> None: ...

class ListOutboxEntriesResponse(_message.Message):
    __slots__ = ("entries", "more")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[OutboxEntry]
    more: bool
    def __init__(self, entries: _Optional[_Iterable[_Union[OutboxEntry, _Mapping]]] = ..., more: bool = ...) -> None: ...

class GetBroadcastRequest(_message.Message):
    __slots__ = ("room_id", "seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    seq: int
    def __init__(self, room_id: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class GetBroadcastResponse(_message.Message):
    __slots__ = ("broadcast",)
    BROADCAST_FIELD_NUMBER: _ClassVar[int]
    broadcast: _payloads_pb2.EventBroadcast
    def __init__(self, broadcast: _Optional[_Union[_payloads_pb2.EventBroadcast, _Mapping]] = ...) -> None: ...

class ListConnectionsRequest(_message.Message):
    __slots__ = ("profile_id", "limit")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    limit: int
    def __init__(self, profile_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("node_id", "version", "uptime_seconds", "database", "devices_online", "events_committed", "commits", "deliveries_published", "events_pulled", "requests_refused")
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
    def __init__(self, node_id: _Optional[str] = ..., version: _Optional[str] = ..., uptime_seconds: _Optional[float] = ..., database: _Optional[str] = ..., devices_online: _Optional[int] = ..., events_committed: _Optional[int] = ..., commits: _Optional[int] = ..., deliveries_published: _Optional[int] = ..., events_pulled: _Optional[int] = ..., requests_refused: _Optional[int] = ...) -> None: ...
