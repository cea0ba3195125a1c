"""Settings: one frozen object, read once. Environment beats the TOML file beats the default; keys are the same, lower case in TOML."""

import os
import re
import socket
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, PrivateAttr, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

Mode = Literal["default", "gateway", "all"]
MIB = 1_048_576


def _data_dir() -> Path:
    given = os.environ.get("STATE_DIRECTORY")
    return Path(given) if given else Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "chatd"


def _node_id() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "node"


def _number(default: float, description: str, *, unit: str, ge: float, le: float) -> Any:
    """A field whose range and unit go into tables and error lines."""
    return Field(default, description=description, ge=ge, le=le, json_schema_extra={"allowed": f"{ge:,} to {le:,} {unit}"})


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_none)]


class Settings(BaseSettings):
    """Every setting of chatd. An empty address or path stands for the default that its description names."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True, env_ignore_empty=True)

    data_dir: Path = Field(
        default_factory=_data_dir,
        validation_alias=AliasChoices("CHATD_DATA_DIR", "DATA_DIR", "data_dir"),
        description="Where the SQLite file and the tokens are; default: $STATE_DIRECTORY, else ~/.local/share/chatd",
    )
    runtime_dir: OptionalPath = Field(None, description="Where the ipc sockets are; default: $RUNTIME_DIRECTORY, else DATA_DIR/run")
    node_id: Id = Field(default_factory=_node_id, description="This node's name in logs and tables; default: the host's name")
    db_uri: str = Field("", description="sqlite:///path or postgresql://user:password@host/database; default: DATA_DIR/chatd.db")
    database_readers: int = _number(2, "Reading connections to PostgreSQL (SQLite has one)", unit="connections", ge=1, le=16)
    cache_uri: Literal["database:", "mem:"] = Field("database:", description="Where connection metadata is kept: database: or mem:")
    queue_user_event_delivery_name: Id = Field("user.event.delivery", description="The queue's name; gateways refuse nodes with another")
    queue_user_event_delivery_uri: str = Field(
        "", description="The queue's address, of a gateway several with commas; default: mem:// in all, else ipc in RUNTIME_DIR"
    )
    default_uri: str = Field("", description="The default node's call socket, of a gateway several with commas; default: as the queue's")
    gateway_uri: str = Field("tcp://127.0.0.1:7400", description="Where devices and chatctl connect")
    gateway_public_uri: str = Field("", description="Where devices are told to find this gateway; default: GATEWAY_URI, as bound")
    max_connections_per_device: int = _number(
        2, "Streams and Hellos under way that a gateway carries for one device; the oldest goes", unit="connections", ge=1, le=100
    )
    tokens_file: OptionalPath = Field(
        None, description="Who may connect; made with one operator's token if absent; default: DATA_DIR/tokens.toml"
    )
    heartbeat_interval_ms: int = _number(
        10_000, "Devices send something this often; three missed end the stream", unit="ms", ge=100, le=600_000
    )
    window_messages: int = _number(
        64, "Unacknowledged deliveries a stream may have, if its Hello does not say", unit="deliveries", ge=1, le=65_536
    )
    window_bytes: int = _number(256 * 1024, "The same in bytes", unit="bytes", ge=1024, le=16 * MIB)
    max_frame_bytes: int = _number(MIB, "Largest frame a client may send", unit="bytes", ge=4096, le=16 * MIB)
    max_payload_bytes: int = _number(64 * 1024, "Largest payload of one event, less than MAX_FRAME_BYTES", unit="bytes", ge=64, le=8 * MIB)
    compress_min_bytes: int = _number(
        1024, "Payloads from this size on are kept and sent compressed; 0: none", unit="bytes", ge=0, le=8 * MIB
    )
    compress_level: int = _number(3, "How hard zstd tries", unit="(zstd's level)", ge=1, le=19)
    max_events_per_second: int = _number(1_000, "A device of a user may send this many; 0: no limit", unit="events/s", ge=0, le=10**6)
    max_bytes_per_second: int = _number(4 * MIB, "The same in bytes", unit="bytes/s", ge=0, le=10**10)
    max_frames_per_second: int = _number(10_000, "Acks and heartbeats a device may send; 0: no limit", unit="frames/s", ge=0, le=10**6)
    profile_events_per_second: int = _number(2_000, "All devices of a user together; 0: no limit", unit="events/s", ge=0, le=10**6)
    profile_bytes_per_second: int = _number(8 * MIB, "The same in bytes", unit="bytes/s", ge=0, le=10**10)
    address_events_per_second: int = _number(
        10_000, "All users of one IP address (of IPv6 a /64) together; 0: no limit", unit="events/s", ge=0, le=10**6
    )
    address_bytes_per_second: int = _number(32 * MIB, "The same in bytes", unit="bytes/s", ge=0, le=10**10)
    rate_burst_seconds: float = _number(2.0, "Of all these so many seconds' worth may come at once", unit="s", ge=0.01, le=3600)
    handshake_timeout_ms: int = _number(
        5_000, "A connection that has not authenticated by then is closed; 0: never", unit="ms", ge=0, le=600_000
    )
    max_unauthenticated: int = _number(
        10_000,
        "Connections that have not authenticated yet; beyond (or half of RLIMIT_NOFILE), the oldest is closed",
        unit="connections",
        ge=1,
        le=10**6,
    )
    max_failed_authentications: int = _number(3, "Wrong tokens that close a connection; 0: no limit", unit="tokens", ge=0, le=1000)
    signal_flush_ms: int = _number(50, "Typing and receipts are gathered this long", unit="ms", ge=1, le=10_000)
    receipt_room_limit: int = _number(100, "Larger rooms are not told of typing and receipts; 0: none is", unit="members", ge=0, le=100_000)
    typing_per_second: float = _number(
        2.0, "A profile may say so often in a room that it types; 0: no limit", unit="calls/s", ge=0, le=1_000
    )
    typing_burst: int = _number(5, "And so often at once", unit="calls", ge=1, le=1_000)
    presence_grace_seconds: float = _number(
        10.0, "A profile is offline when no device has been there for this long", unit="s", ge=0, le=600
    )
    presence_settle_ms: int = _number(
        500, "Changes of presence are told when nothing has changed for this long", unit="ms", ge=0, le=60_000
    )
    presence_changes_per_minute: int = _number(
        30, "A device may change its presence so often; 0: no limit", unit="changes/min", ge=0, le=10_000
    )
    presence_burst: int = _number(5, "And so often at once", unit="changes", ge=1, le=1_000)
    call_timeout_ms: int = _number(10_000, "A gateway waits this long for a default node", unit="ms", ge=100, le=600_000)
    ack_flush_ms: int = _number(50, "Acks are gathered this long before they are written", unit="ms", ge=1, le=10_000)
    connection_touch_seconds: float = _number(60.0, "How often it is noted for operators that a device lives", unit="s", ge=0, le=3600)
    repair_pull_seconds: float = _number(30.0, "A quiet stream looks into its outbox about this often", unit="s", ge=0.05, le=3600)
    fanout_linger_ms: int = _number(
        10, "Under load events wait up to this long to be fanned out together; their senders do not; 0: never", unit="ms", ge=0, le=1_000
    )
    fanout_repair_seconds: float = _number(
        5.0, "Events that a dead node did not fan out are looked for this often", unit="s", ge=0.1, le=3600
    )
    node_lease_seconds: float = _number(
        10.0, "A node that has not been heard of for so long is no longer named to gateways", unit="s", ge=0.3, le=3600
    )
    delivery_retry_ms: int = _number(
        10_000, "An unacknowledged delivery is sent again after this, doubling up to 5 minutes", unit="ms", ge=50, le=300_000
    )
    max_delivery_retries: int = _number(5, "Then it becomes a dead letter", unit="retries", ge=0, le=1000)
    retention_days: float = _number(0, "Older events are removed from rooms; 0: kept for ever", unit="days", ge=0, le=36_500)
    retention_events: int = _number(0, "A room keeps this many events; 0: all", unit="events", ge=0, le=10**12)
    backlog_days: float = _number(
        30, "What has been owed to a device for longer need not be kept; 0: no limit", unit="days", ge=0, le=36_500
    )
    backlog_events: int = _number(
        100_000, "Nor what is owed to a device that is owed more of a room; 0: no limit", unit="events", ge=0, le=10**12
    )
    device_expiry_days: float = _number(90, "A device unseen for this long is forgotten; 0: never", unit="days", ge=0, le=36_500)
    retention_sweep_seconds: float = _number(60.0, "How often all this is looked for", unit="s", ge=0.1, le=86_400)
    notifiers: str = Field("log", description="How devices that are away may be notified: of log, exec, webhook, webpush, with commas")
    notify_delay_seconds: float = _number(5.0, "A device that is away is notified after this, not sooner", unit="s", ge=0, le=3600)
    notify_quiet_seconds: float = _number(30.0, "And then not again for so long, whatever it is owed", unit="s", ge=0, le=86_400)
    notify_tick_seconds: float = _number(1.0, "How often it is looked whom to notify", unit="s", ge=0.05, le=60)
    notify_preview_chars: int = _number(120, "Characters of the latest event in a notification; 0: none", unit="characters", ge=0, le=1000)
    notify_timeout_ms: int = _number(5_000, "A notifier gets this long for one try", unit="ms", ge=50, le=60_000)
    notify_retry_ms: int = _number(
        5_000, "A notification that failed is tried again after this, doubling up to an hour", unit="ms", ge=10, le=3_600_000
    )
    notify_max_retries: int = _number(
        8, "Then it is dead until an operator retries it, or something new comes", unit="retries", ge=0, le=100
    )
    notify_exec: OptionalPath = Field(None, description="exec: the program, which reads JSON from its standard input")
    notify_webhook_url: str = Field("", description="webhook: where JSON is POSTed to")
    notify_webhook_secret: SecretStr = Field(SecretStr(""), description="webhook: what X-Chatd-Signature is made with")
    notify_vapid_key: OptionalPath = Field(None, description="webpush: the file of the VAPID private key, PEM")
    notify_vapid_subject: str = Field("", description="webpush: mailto: or https: address of the operators, for the push services")
    notify_webpush_hosts: str = Field(
        "fcm.googleapis.com,push.services.mozilla.com,notify.windows.com,push.apple.com",
        description="webpush: hosts, with their subdomains, that endpoints may have; or whole origins, http://127.0.0.1:8000",
    )
    drain_seconds: float = _number(
        5.0,
        "At the end: devices leave a gateway over this time if there is another, calls and acks under way get as long",
        unit="s",
        ge=0,
        le=600,
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="debug, info, warning or error"
    )
    log_format: Annotated[Literal["auto", "json", "text"], BeforeValidator(_lower)] = Field(
        "auto", description="json, text, or auto: text on a terminal, else json"
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The object takes what it is given; ``configuration.load_settings`` reads the sources and so knows what came from where."""
        return (init_settings,)

    def with_origins(self, origins: dict[str, str]) -> "Settings":
        """The same, knowing where each field that is not a default came from."""
        self._origins.update(origins)
        return self

    def origin(self, name: str) -> str:
        """``default``, ``environment`` or the path of the file that set the field ``name``."""
        return self._origins.get(name, "default")

    def ipc_dir(self) -> Path:
        given = os.environ.get("RUNTIME_DIRECTORY")
        return self.runtime_dir or (Path(given) if given else self.data_dir / "run")

    def database(self) -> str:
        return self.db_uri or f"sqlite:///{(self.data_dir / 'chatd.db').absolute()}"

    def tokens(self) -> Path:
        return self.tokens_file or self.data_dir / "tokens.toml"

    def notifier_names(self) -> tuple[str, ...]:
        """How devices may be notified."""
        return tuple(dict.fromkeys(name.strip() for name in self.notifiers.split(",") if name.strip()))

    def queue_uris(self, mode: Mode) -> tuple[str, ...]:
        """ZeroMQ addresses of the queue; ``mem://name`` is inproc."""
        return self._addresses(mode, self.queue_user_event_delivery_uri, self.queue_user_event_delivery_name)

    def node_uris(self, mode: Mode) -> tuple[str, ...]:
        """ZeroMQ addresses of the default nodes' call sockets."""
        return self._addresses(mode, self.default_uri, "default")

    def _addresses(self, mode: Mode, given: str, name: str) -> tuple[str, ...]:
        default = f"mem://{name}" if mode == "all" else f"ipc://{(self.ipc_dir() / name).absolute()}"
        parts = (part.strip() for part in (given or default).split(","))
        return tuple("inproc://" + uri[6:] if uri.startswith("mem://") else uri for uri in parts)
