from chatd.pb.admin.v1 import admin_pb2 as _admin_pb2
from chatd.pb.gateway.v1 import gateway_pb2 as _gateway_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_USER: _ClassVar[Role]
    ROLE_OPERATOR: _ClassVar[Role]

class Scope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCOPE_UNSPECIFIED: _ClassVar[Scope]
    SCOPE_READ: _ClassVar[Scope]
    SCOPE_OPERATE: _ClassVar[Scope]
    SCOPE_ERASE: _ClassVar[Scope]
ROLE_UNSPECIFIED: Role
ROLE_USER: Role
ROLE_OPERATOR: Role
SCOPE_UNSPECIFIED: Scope
SCOPE_READ: Scope
SCOPE_OPERATE: Scope
SCOPE_ERASE: Scope

class Caller(_message.Message):
    __slots__ = ("profile_id", "role", "scopes", "operator_id", "address", "gateway_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    role: Role
    scopes: _containers.RepeatedScalarFieldContainer[Scope]
    operator_id: str
    address: str
    gateway_id: str
    def __init__(self, profile_id: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ..., scopes: _Optional[_Iterable[_Union[Scope, str]]] = ..., operator_id: _Optional[str] = ..., address: _Optional[str] = ..., gateway_id: _Optional[str] = ...) -> None: ...

class NodeRequest(_message.Message):
    __slots__ = ("call_id", "method", "payload", "caller", "limits", "request_id", "protocol")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    method: str
    payload: bytes
    caller: Caller
    limits: CallLimits
    request_id: str
    protocol: int
    def __init__(self, call_id: _Optional[int] = ..., method: _Optional[str] = ..., payload: _Optional[bytes] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ..., limits: _Optional[_Union[CallLimits, _Mapping]] = ..., request_id: _Optional[str] = ..., protocol: _Optional[int] = ...) -> None: ...

class CallLimits(_message.Message):
    __slots__ = ("node_started_at_us", "deadline_us", "period", "silent_at_us")
    NODE_STARTED_AT_US_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_US_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    SILENT_AT_US_FIELD_NUMBER: _ClassVar[int]
    node_started_at_us: int
    deadline_us: int
    period: int
    silent_at_us: int
    def __init__(self, node_started_at_us: _Optional[int] = ..., deadline_us: _Optional[int] = ..., period: _Optional[int] = ..., silent_at_us: _Optional[int] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("room_id", "first_seq", "last_seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    first_seq: int
    last_seq: int
    def __init__(self, room_id: _Optional[str] = ..., first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ...) -> None: ...

class QueueHeader(_message.Message):
    __slots__ = ("runs", "resync", "epoch", "priority", "node_started_at_us", "published_at_us", "watched", "process_call")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    RESYNC_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    NODE_STARTED_AT_US_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_AT_US_FIELD_NUMBER: _ClassVar[int]
    WATCHED_FIELD_NUMBER: _ClassVar[int]
    PROCESS_CALL_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    resync: bool
    epoch: int
    priority: int
    node_started_at_us: int
    published_at_us: int
    watched: int
    process_call: ProcessCall
    def __init__(self, runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ..., resync: bool = ..., epoch: _Optional[int] = ..., priority: _Optional[int] = ..., node_started_at_us: _Optional[int] = ..., published_at_us: _Optional[int] = ..., watched: _Optional[int] = ..., process_call: _Optional[_Union[ProcessCall, _Mapping]] = ...) -> None: ...

class ProcessCall(_message.Message):
    __slots__ = ("call_id", "node_id", "method", "payload")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    node_id: str
    method: str
    payload: bytes
    def __init__(self, call_id: _Optional[int] = ..., node_id: _Optional[str] = ..., method: _Optional[str] = ..., payload: _Optional[bytes] = ...) -> None: ...

class RoomCursor(_message.Message):
    __slots__ = ("room_id", "seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    seq: int
    def __init__(self, room_id: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class LogState(_message.Message):
    __slots__ = ("incarnation", "beat")
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    BEAT_FIELD_NUMBER: _ClassVar[int]
    incarnation: str
    beat: int
    def __init__(self, incarnation: _Optional[str] = ..., beat: _Optional[int] = ...) -> None: ...

class DescribeRequest(_message.Message):
    __slots__ = ("gateway_id", "gateway_uri", "version", "started_at_us", "draining", "counters", "gateway_instance", "log", "seen", "protocol", "oldest_protocol", "revocations_version", "queue_problem", "drained", "streams", "stages", "streams_catching_up", "windows_full")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_URI_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_US_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_INSTANCE_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    OLDEST_PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    REVOCATIONS_VERSION_FIELD_NUMBER: _ClassVar[int]
    QUEUE_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    DRAINED_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    STREAMS_CATCHING_UP_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FULL_FIELD_NUMBER: _ClassVar[int]
    gateway_id: str
    gateway_uri: str
    version: str
    started_at_us: int
    draining: bool
    counters: _containers.ScalarMap[str, int]
    gateway_instance: str
    log: LogState
    seen: RoomCursor
    protocol: int
    oldest_protocol: int
    revocations_version: int
    queue_problem: str
    drained: bool
    streams: int
    stages: _containers.RepeatedCompositeFieldContainer[_admin_pb2.StageTimes]
    streams_catching_up: int
    windows_full: int
    def __init__(self, gateway_id: _Optional[str] = ..., gateway_uri: _Optional[str] = ..., version: _Optional[str] = ..., started_at_us: _Optional[int] = ..., draining: bool = ..., counters: _Optional[_Mapping[str, int]] = ..., gateway_instance: _Optional[str] = ..., log: _Optional[_Union[LogState, _Mapping]] = ..., seen: _Optional[_Union[RoomCursor, _Mapping]] = ..., protocol: _Optional[int] = ..., oldest_protocol: _Optional[int] = ..., revocations_version: _Optional[int] = ..., queue_problem: _Optional[str] = ..., drained: bool = ..., streams: _Optional[int] = ..., stages: _Optional[_Iterable[_Union[_admin_pb2.StageTimes, _Mapping]]] = ..., streams_catching_up: _Optional[int] = ..., windows_full: _Optional[int] = ...) -> None: ...

class Revocation(_message.Message):
    __slots__ = ("digest", "profile_id", "before_us", "expires_at_us")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_US_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_US_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    profile_id: str
    before_us: int
    expires_at_us: int
    def __init__(self, digest: _Optional[bytes] = ..., profile_id: _Optional[str] = ..., before_us: _Optional[int] = ..., expires_at_us: _Optional[int] = ...) -> None: ...

class NodeAddress(_message.Message):
    __slots__ = ("node_id", "call_uri", "queue_uri")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_URI_FIELD_NUMBER: _ClassVar[int]
    QUEUE_URI_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    call_uri: str
    queue_uri: str
    def __init__(self, node_id: _Optional[str] = ..., call_uri: _Optional[str] = ..., queue_uri: _Optional[str] = ...) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("node_id", "queue_name", "version", "started_at_us", "nodes", "call_uri", "gateway_uris", "watched", "log", "steady_us", "protocol", "oldest_protocol", "queue_uri", "revocations", "revocations_version", "drained", "refused")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_US_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    CALL_URI_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_URIS_FIELD_NUMBER: _ClassVar[int]
    WATCHED_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    STEADY_US_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    OLDEST_PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    QUEUE_URI_FIELD_NUMBER: _ClassVar[int]
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    REVOCATIONS_VERSION_FIELD_NUMBER: _ClassVar[int]
    DRAINED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    queue_name: str
    version: str
    started_at_us: int
    nodes: _containers.RepeatedCompositeFieldContainer[NodeAddress]
    call_uri: str
    gateway_uris: _containers.RepeatedScalarFieldContainer[str]
    watched: int
    log: LogState
    steady_us: int
    protocol: int
    oldest_protocol: int
    queue_uri: str
    revocations: _containers.RepeatedCompositeFieldContainer[Revocation]
    revocations_version: int
    drained: bool
    refused: str
    def __init__(self, node_id: _Optional[str] = ..., queue_name: _Optional[str] = ..., version: _Optional[str] = ..., started_at_us: _Optional[int] = ..., nodes: _Optional[_Iterable[_Union[NodeAddress, _Mapping]]] = ..., call_uri: _Optional[str] = ..., gateway_uris: _Optional[_Iterable[str]] = ..., watched: _Optional[int] = ..., log: _Optional[_Union[LogState, _Mapping]] = ..., steady_us: _Optional[int] = ..., protocol: _Optional[int] = ..., oldest_protocol: _Optional[int] = ..., queue_uri: _Optional[str] = ..., revocations: _Optional[_Iterable[_Union[Revocation, _Mapping]]] = ..., revocations_version: _Optional[int] = ..., drained: bool = ..., refused: _Optional[str] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("gateway_instance", "number", "full", "add", "remove")
    GATEWAY_INSTANCE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    FULL_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    gateway_instance: str
    number: int
    full: bool
    add: _containers.RepeatedScalarFieldContainer[bytes]
    remove: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, gateway_instance: _Optional[str] = ..., number: _Optional[int] = ..., full: bool = ..., add: _Optional[_Iterable[bytes]] = ..., remove: _Optional[_Iterable[bytes]] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OpenStream(_message.Message):
    __slots__ = ("profile_id", "device_id", "client", "shown", "start", "ordinal")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    client: str
    shown: _gateway_pb2.Shown
    start: _gateway_pb2.Start
    ordinal: int
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., client: _Optional[str] = ..., shown: _Optional[_Union[_gateway_pb2.Shown, _Mapping]] = ..., start: _Optional[_Union[_gateway_pb2.Start, _Mapping]] = ..., ordinal: _Optional[int] = ...) -> None: ...

class OpenStreamsRequest(_message.Message):
    __slots__ = ("gateway_id", "streams", "log")
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    gateway_id: str
    streams: _containers.RepeatedCompositeFieldContainer[OpenStream]
    log: LogState
    def __init__(self, gateway_id: _Optional[str] = ..., streams: _Optional[_Iterable[_Union[OpenStream, _Mapping]]] = ..., log: _Optional[_Union[LogState, _Mapping]] = ...) -> None: ...

class RefusedStream(_message.Message):
    __slots__ = ("stream", "error")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    stream: int
    error: _gateway_pb2.Error
    def __init__(self, stream: _Optional[int] = ..., error: _Optional[_Union[_gateway_pb2.Error, _Mapping]] = ...) -> None: ...

class OpenStreamsResponse(_message.Message):
    __slots__ = ("epochs", "new_devices", "log", "rewound", "starts", "refused")
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    NEW_DEVICES_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    REWOUND_FIELD_NUMBER: _ClassVar[int]
    STARTS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    epochs: _containers.RepeatedScalarFieldContainer[int]
    new_devices: _containers.RepeatedScalarFieldContainer[int]
    log: LogState
    rewound: _containers.RepeatedScalarFieldContainer[int]
    starts: _containers.RepeatedCompositeFieldContainer[_gateway_pb2.Start]
    refused: _containers.RepeatedCompositeFieldContainer[RefusedStream]
    def __init__(self, epochs: _Optional[_Iterable[int]] = ..., new_devices: _Optional[_Iterable[int]] = ..., log: _Optional[_Union[LogState, _Mapping]] = ..., rewound: _Optional[_Iterable[int]] = ..., starts: _Optional[_Iterable[_Union[_gateway_pb2.Start, _Mapping]]] = ..., refused: _Optional[_Iterable[_Union[RefusedStream, _Mapping]]] = ...) -> None: ...

class StreamPull(_message.Message):
    __slots__ = ("profile_id", "device_id", "epoch", "sent", "max_messages", "max_bytes", "want_cursors", "first_may_exceed", "again", "plain", "urgent_only", "replays")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    WANT_CURSORS_FIELD_NUMBER: _ClassVar[int]
    FIRST_MAY_EXCEED_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    PLAIN_FIELD_NUMBER: _ClassVar[int]
    URGENT_ONLY_FIELD_NUMBER: _ClassVar[int]
    REPLAYS_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    epoch: int
    sent: _containers.RepeatedCompositeFieldContainer[RoomCursor]
    max_messages: int
    max_bytes: int
    want_cursors: bool
    first_may_exceed: bool
    again: RoomCursor
    plain: bool
    urgent_only: bool
    replays: _containers.RepeatedCompositeFieldContainer[RoomCursor]
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., epoch: _Optional[int] = ..., sent: _Optional[_Iterable[_Union[RoomCursor, _Mapping]]] = ..., max_messages: _Optional[int] = ..., max_bytes: _Optional[int] = ..., want_cursors: bool = ..., first_may_exceed: bool = ..., again: _Optional[_Union[RoomCursor, _Mapping]] = ..., plain: bool = ..., urgent_only: bool = ..., replays: _Optional[_Iterable[_Union[RoomCursor, _Mapping]]] = ...) -> None: ...

class PullOutboxRequest(_message.Message):
    __slots__ = ("pulls", "log")
    PULLS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    pulls: _containers.RepeatedCompositeFieldContainer[StreamPull]
    log: LogState
    def __init__(self, pulls: _Optional[_Iterable[_Union[StreamPull, _Mapping]]] = ..., log: _Optional[_Union[LogState, _Mapping]] = ...) -> None: ...

class OwedRun(_message.Message):
    __slots__ = ("room_id", "first_seq", "last_seq", "deliveries", "skipped", "again", "replay")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    first_seq: int
    last_seq: int
    deliveries: bytes
    skipped: bool
    again: bool
    replay: bool
    def __init__(self, room_id: _Optional[str] = ..., first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ..., deliveries: _Optional[bytes] = ..., skipped: bool = ..., again: bool = ..., replay: bool = ...) -> None: ...

class StreamOwed(_message.Message):
    __slots__ = ("runs", "more", "cursors", "superseded", "alone", "unknown", "unread", "error")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    CURSORS_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    ALONE_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[OwedRun]
    more: bool
    cursors: _containers.RepeatedCompositeFieldContainer[RoomCursor]
    superseded: bool
    alone: bool
    unknown: bool
    unread: bool
    error: _gateway_pb2.Error
    def __init__(self, runs: _Optional[_Iterable[_Union[OwedRun, _Mapping]]] = ..., more: bool = ..., cursors: _Optional[_Iterable[_Union[RoomCursor, _Mapping]]] = ..., superseded: bool = ..., alone: bool = ..., unknown: bool = ..., unread: bool = ..., error: _Optional[_Union[_gateway_pb2.Error, _Mapping]] = ...) -> None: ...

class PullOutboxResponse(_message.Message):
    __slots__ = ("owed",)
    OWED_FIELD_NUMBER: _ClassVar[int]
    owed: _containers.RepeatedCompositeFieldContainer[StreamOwed]
    def __init__(self, owed: _Optional[_Iterable[_Union[StreamOwed, _Mapping]]] = ...) -> None: ...

class Rejection(_message.Message):
    __slots__ = ("room_id", "seq", "reason")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    seq: int
    reason: str
    def __init__(self, room_id: _Optional[str] = ..., seq: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class RemovedRange(_message.Message):
    __slots__ = ("room_id", "first_seq", "last_seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    first_seq: int
    last_seq: int
    def __init__(self, room_id: _Optional[str] = ..., first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ...) -> None: ...

class StreamExceptions(_message.Message):
    __slots__ = ("stream", "rejected", "replayed", "failed", "removed")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    stream: int
    rejected: _containers.RepeatedCompositeFieldContainer[Rejection]
    replayed: _containers.RepeatedCompositeFieldContainer[RoomCursor]
    failed: RoomCursor
    removed: _containers.RepeatedCompositeFieldContainer[RemovedRange]
    def __init__(self, stream: _Optional[int] = ..., rejected: _Optional[_Iterable[_Union[Rejection, _Mapping]]] = ..., replayed: _Optional[_Iterable[_Union[RoomCursor, _Mapping]]] = ..., failed: _Optional[_Union[RoomCursor, _Mapping]] = ..., removed: _Optional[_Iterable[_Union[RemovedRange, _Mapping]]] = ...) -> None: ...

class AckBatchRequest(_message.Message):
    __slots__ = ("profile_ids", "device_ids", "epochs", "cursors", "room_ids", "seqs", "exceptions", "log")
    PROFILE_IDS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_IDS_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    CURSORS_FIELD_NUMBER: _ClassVar[int]
    ROOM_IDS_FIELD_NUMBER: _ClassVar[int]
    SEQS_FIELD_NUMBER: _ClassVar[int]
    EXCEPTIONS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    profile_ids: _containers.RepeatedScalarFieldContainer[str]
    device_ids: _containers.RepeatedScalarFieldContainer[str]
    epochs: _containers.RepeatedScalarFieldContainer[int]
    cursors: _containers.RepeatedScalarFieldContainer[int]
    room_ids: _containers.RepeatedScalarFieldContainer[str]
    seqs: _containers.RepeatedScalarFieldContainer[int]
    exceptions: _containers.RepeatedCompositeFieldContainer[StreamExceptions]
    log: LogState
    def __init__(self, profile_ids: _Optional[_Iterable[str]] = ..., device_ids: _Optional[_Iterable[str]] = ..., epochs: _Optional[_Iterable[int]] = ..., cursors: _Optional[_Iterable[int]] = ..., room_ids: _Optional[_Iterable[str]] = ..., seqs: _Optional[_Iterable[int]] = ..., exceptions: _Optional[_Iterable[_Union[StreamExceptions, _Mapping]]] = ..., log: _Optional[_Union[LogState, _Mapping]] = ...) -> None: ...

class AckBatchResponse(_message.Message):
    __slots__ = ("superseded", "unknown")
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    superseded: _containers.RepeatedScalarFieldContainer[int]
    unknown: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, superseded: _Optional[_Iterable[int]] = ..., unknown: _Optional[_Iterable[int]] = ...) -> None: ...

class CloseStream(_message.Message):
    __slots__ = ("profile_id", "device_id", "epoch")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    device_id: str
    epoch: int
    def __init__(self, profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class CloseStreamsRequest(_message.Message):
    __slots__ = ("streams",)
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[CloseStream]
    def __init__(self, streams: _Optional[_Iterable[_Union[CloseStream, _Mapping]]] = ...) -> None: ...

class CloseStreamsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RecordAuditRequest(_message.Message):
    __slots__ = ("lines",)
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[_admin_pb2.AuditLine]
    def __init__(self, lines: _Optional[_Iterable[_Union[_admin_pb2.AuditLine, _Mapping]]] = ...) -> None: ...

class RecordAuditResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CallProcessRequest(_message.Message):
    __slots__ = ("method", "payload")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    method: str
    payload: bytes
    def __init__(self, method: _Optional[str] = ..., payload: _Optional[bytes] = ...) -> None: ...

class CallProcessResponse(_message.Message):
    __slots__ = ("payload",)
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    def __init__(self, payload: _Optional[bytes] = ...) -> None: ...

class AnswerProcessRequest(_message.Message):
    __slots__ = ("answer",)
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    answer: _gateway_pb2.RpcResponse
    def __init__(self, answer: _Optional[_Union[_gateway_pb2.RpcResponse, _Mapping]] = ...) -> None: ...

class AnswerProcessResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
