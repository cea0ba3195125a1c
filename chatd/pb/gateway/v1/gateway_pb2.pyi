from chatd.pb.events.v1 import payloads_pb2 as _payloads_pb2
from chatd.pb.events.v1 import signals_pb2 as _signals_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartPoint(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    START_POINT_UNSPECIFIED: _ClassVar[StartPoint]
    START_POINT_HEAD: _ClassVar[StartPoint]
    START_POINT_JOINED: _ClassVar[StartPoint]
    START_POINT_UNDELIVERED: _ClassVar[StartPoint]
START_POINT_UNSPECIFIED: StartPoint
START_POINT_HEAD: StartPoint
START_POINT_JOINED: StartPoint
START_POINT_UNDELIVERED: StartPoint

class ClientFrame(_message.Message):
    __slots__ = ("hello", "ack", "heartbeat", "bye", "call", "reject", "presence", "renew")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    BYE_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    REJECT_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    RENEW_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    ack: Ack
    heartbeat: Heartbeat
    bye: Bye
    call: RpcRequest
    reject: Reject
    presence: SetPresence
    renew: Renew
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., bye: _Optional[_Union[Bye, _Mapping]] = ..., call: _Optional[_Union[RpcRequest, _Mapping]] = ..., reject: _Optional[_Union[Reject, _Mapping]] = ..., presence: _Optional[_Union[SetPresence, _Mapping]] = ..., renew: _Optional[_Union[Renew, _Mapping]] = ...) -> None: ...

class ServerFrame(_message.Message):
    __slots__ = ("deliveries", "welcome", "heartbeat", "reply", "closed", "error", "caught_up", "signals", "token_expires")
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_EXPIRES_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[_payloads_pb2.EventDelivery]
    welcome: Welcome
    heartbeat: Heartbeat
    reply: RpcResponse
    closed: Closed
    error: Error
    caught_up: CaughtUp
    signals: _containers.RepeatedCompositeFieldContainer[_signals_pb2.Signal]
    token_expires: TokenExpires
    def __init__(self, deliveries: _Optional[_Iterable[_Union[_payloads_pb2.EventDelivery, _Mapping]]] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., reply: _Optional[_Union[RpcResponse, _Mapping]] = ..., closed: _Optional[_Union[Closed, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., caught_up: _Optional[_Union[CaughtUp, _Mapping]] = ..., signals: _Optional[_Iterable[_Union[_signals_pb2.Signal, _Mapping]]] = ..., token_expires: _Optional[_Union[TokenExpires, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("token", "profile_id", "device_id", "window_messages", "window_bytes", "version", "client", "accept_zstd", "want_signals", "presence", "shown", "start", "ordinal", "hello_id")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    WINDOW_BYTES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_ZSTD_FIELD_NUMBER: _ClassVar[int]
    WANT_SIGNALS_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    HELLO_ID_FIELD_NUMBER: _ClassVar[int]
    token: str
    profile_id: str
    device_id: str
    window_messages: int
    window_bytes: int
    version: int
    client: str
    accept_zstd: bool
    want_signals: bool
    presence: _signals_pb2.PresenceState
    shown: Shown
    start: Start
    ordinal: int
    hello_id: int
    def __init__(self, token: _Optional[str] = ..., profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., window_messages: _Optional[int] = ..., window_bytes: _Optional[int] = ..., version: _Optional[int] = ..., client: _Optional[str] = ..., accept_zstd: bool = ..., want_signals: bool = ..., presence: _Optional[_Union[_signals_pb2.PresenceState, str]] = ..., shown: _Optional[_Union[Shown, _Mapping]] = ..., start: _Optional[_Union[Start, _Mapping]] = ..., ordinal: _Optional[int] = ..., hello_id: _Optional[int] = ...) -> None: ...

class Start(_message.Message):
    __slots__ = ("point", "last", "since_us", "seqs")
    POINT_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    SEQS_FIELD_NUMBER: _ClassVar[int]
    point: StartPoint
    last: int
    since_us: int
    seqs: StartSeqs
    def __init__(self, point: _Optional[_Union[StartPoint, str]] = ..., last: _Optional[int] = ..., since_us: _Optional[int] = ..., seqs: _Optional[_Union[StartSeqs, _Mapping]] = ...) -> None: ...

class StartSeqs(_message.Message):
    __slots__ = ("rooms",)
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    rooms: _containers.RepeatedCompositeFieldContainer[StartSeq]
    def __init__(self, rooms: _Optional[_Iterable[_Union[StartSeq, _Mapping]]] = ...) -> None: ...

class StartSeq(_message.Message):
    __slots__ = ("room_id", "after_seq")
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    room_id: str
    after_seq: int
    def __init__(self, room_id: _Optional[str] = ..., after_seq: _Optional[int] = ...) -> None: ...

class Shown(_message.Message):
    __slots__ = ("log", "room_id", "seq", "event_id")
    LOG_FIELD_NUMBER: _ClassVar[int]
    ROOM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    log: str
    room_id: str
    seq: int
    event_id: str
    def __init__(self, log: _Optional[str] = ..., room_id: _Optional[str] = ..., seq: _Optional[int] = ..., event_id: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("epoch", "profile_id", "device_id", "heartbeat_interval_ms", "window_messages", "window_bytes", "version", "gateway_id", "new_device", "gateways", "log", "rewound", "start", "hello_id")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    WINDOW_BYTES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_DEVICE_FIELD_NUMBER: _ClassVar[int]
    GATEWAYS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    REWOUND_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    HELLO_ID_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    profile_id: str
    device_id: str
    heartbeat_interval_ms: int
    window_messages: int
    window_bytes: int
    version: int
    gateway_id: str
    new_device: bool
    gateways: _containers.RepeatedScalarFieldContainer[str]
    log: str
    rewound: bool
    start: Start
    hello_id: int
    def __init__(self, epoch: _Optional[int] = ..., profile_id: _Optional[str] = ..., device_id: _Optional[str] = ..., heartbeat_interval_ms: _Optional[int] = ..., window_messages: _Optional[int] = ..., window_bytes: _Optional[int] = ..., version: _Optional[int] = ..., gateway_id: _Optional[str] = ..., new_device: bool = ..., gateways: _Optional[_Iterable[str]] = ..., log: _Optional[str] = ..., rewound: bool = ..., start: _Optional[_Union[Start, _Mapping]] = ..., hello_id: _Optional[int] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("up_to", "epoch")
    UP_TO_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    up_to: int
    epoch: int
    def __init__(self, up_to: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class Reject(_message.Message):
    __slots__ = ("delivery", "reason", "epoch")
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    delivery: int
    reason: str
    epoch: int
    def __init__(self, delivery: _Optional[int] = ..., reason: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("mark",)
    MARK_FIELD_NUMBER: _ClassVar[int]
    mark: int
    def __init__(self, mark: _Optional[int] = ...) -> None: ...

class SetPresence(_message.Message):
    __slots__ = ("state", "epoch")
    STATE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    state: _signals_pb2.PresenceState
    epoch: int
    def __init__(self, state: _Optional[_Union[_signals_pb2.PresenceState, str]] = ..., epoch: _Optional[int] = ...) -> None: ...

class Renew(_message.Message):
    __slots__ = ("token", "epoch")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    token: str
    epoch: int
    def __init__(self, token: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class TokenExpires(_message.Message):
    __slots__ = ("in_ms",)
    IN_MS_FIELD_NUMBER: _ClassVar[int]
    in_ms: int
    def __init__(self, in_ms: _Optional[int] = ...) -> None: ...

class Bye(_message.Message):
    __slots__ = ("epoch",)
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    def __init__(self, epoch: _Optional[int] = ...) -> None: ...

class CaughtUp(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Closed(_message.Message):
    __slots__ = ("error", "gateways", "hello_id")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    GATEWAYS_FIELD_NUMBER: _ClassVar[int]
    HELLO_ID_FIELD_NUMBER: _ClassVar[int]
    error: Error
    gateways: _containers.RepeatedScalarFieldContainer[str]
    hello_id: int
    def __init__(self, error: _Optional[_Union[Error, _Mapping]] = ..., gateways: _Optional[_Iterable[str]] = ..., hello_id: _Optional[int] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "name", "message", "retry", "retry_after_ms", "hello_id", "refused")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    HELLO_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    code: int
    name: str
    message: str
    retry: bool
    retry_after_ms: int
    hello_id: int
    refused: str
    def __init__(self, code: _Optional[int] = ..., name: _Optional[str] = ..., message: _Optional[str] = ..., retry: bool = ..., retry_after_ms: _Optional[int] = ..., hello_id: _Optional[int] = ..., refused: _Optional[str] = ...) -> None: ...

class RpcRequest(_message.Message):
    __slots__ = ("call_id", "method", "payload", "token", "profile_id", "affinity", "request_id")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    AFFINITY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    method: str
    payload: bytes
    token: str
    profile_id: str
    affinity: str
    request_id: str
    def __init__(self, call_id: _Optional[int] = ..., method: _Optional[str] = ..., payload: _Optional[bytes] = ..., token: _Optional[str] = ..., profile_id: _Optional[str] = ..., affinity: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RpcResponse(_message.Message):
    __slots__ = ("call_id", "payload", "error")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    payload: bytes
    error: Error
    def __init__(self, call_id: _Optional[int] = ..., payload: _Optional[bytes] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...
