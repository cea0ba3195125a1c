"""Settings: one frozen object, read once. Environment beats the TOML file beats the default; keys are the same, lower case in TOML."""

import os
import re
import socket
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from chatd.errors import ConfigError

Mode = Literal["default", "gateway", "all"]
SYSTEM_CONFIG = Path("/etc/chatd/chatd.toml")
MIB = 1_048_576


def _data_dir() -> Path:
    given = os.environ.get("STATE_DIRECTORY")
    return Path(given) if given else Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "chatd"


def _node_id() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "node"


Id = Annotated[str, StringConstraints(pattern=r"^[^\s:\x00-\x1f]{1,64}$")]


class Settings(BaseSettings):
    """Every setting of chatd. An empty address or path stands for the default that its description names."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", case_sensitive=False, validate_default=False)

    data_dir: Path = Field(
        default_factory=_data_dir,
        validation_alias=AliasChoices("CHATD_DATA_DIR", "DATA_DIR", "data_dir"),
        description="Where the SQLite file and the tokens are; default: $STATE_DIRECTORY, else ~/.local/share/chatd",
    )
    runtime_dir: Path | None = Field(None, description="Where the ipc sockets are; default: $RUNTIME_DIRECTORY, else DATA_DIR/run")
    node_id: Id = Field(default_factory=_node_id, description="This node's name in logs and tables; default: the host's name")
    db_uri: str = Field("", description="sqlite:///path or postgresql://user:password@host/database; default: DATA_DIR/chatd.db")
    database_readers: int = Field(2, ge=1, le=16, description="Reading connections to PostgreSQL (SQLite has one)")
    cache_uri: Literal["database:", "mem:"] = Field("database:", description="Where connection metadata is kept: database: or mem:")
    queue_user_event_delivery_name: Id = Field("user.event.delivery", description="The queue's name; gateways refuse nodes with another")
    queue_user_event_delivery_uri: str = Field(
        "", description="The queue's address, of a gateway several with commas; default: mem:// in all, else ipc in RUNTIME_DIR"
    )
    default_uri: str = Field("", description="The default node's call socket, of a gateway several with commas; default: as the queue's")
    gateway_uri: str = Field("tcp://127.0.0.1:7400", description="Where devices and chatctl connect")
    tokens_file: Path | None = Field(
        None, description="Who may connect; made with one operator's token if absent; default: DATA_DIR/tokens.toml"
    )
    heartbeat_interval_ms: int = Field(
        10_000, ge=100, le=600_000, description="Devices send something this often; three missed end the stream"
    )
    window_messages: int = Field(64, ge=1, le=65_536, description="Unacknowledged deliveries a stream may have, if its Hello does not say")
    window_bytes: int = Field(256 * 1024, ge=1024, le=16 * MIB, description="The same in bytes")
    max_frame_bytes: int = Field(MIB, ge=4096, le=16 * MIB, description="Largest frame a client may send, bytes")
    max_payload_bytes: int = Field(64 * 1024, ge=64, le=8 * MIB, description="Largest payload of one event, bytes")
    call_timeout_ms: int = Field(10_000, ge=100, le=600_000, description="A gateway waits this long for a default node")
    ack_flush_ms: int = Field(50, ge=1, le=10_000, description="Acks are gathered this long before they are written")
    repair_pull_seconds: float = Field(30.0, ge=0.05, le=3600, description="A quiet stream looks into its outbox about this often")
    sweep_seconds: float = Field(5.0, ge=0.1, le=3600, description="Events that a dead node did not fan out are looked for this often")
    drain_seconds: float = Field(5.0, ge=0, le=600, description="At the end, calls and acks under way get this long")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning or error")
    log_format: Literal["auto", "json", "text"] = Field("auto", description="json, text, or auto: text on a terminal, else json")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = init_settings.init_kwargs.pop("toml_file", None)  # type: ignore[attr-defined]
        return (init_settings, env_settings, *((TomlConfigSettingsSource(settings_cls, toml),) if toml else ()))

    def ipc_dir(self) -> Path:
        given = os.environ.get("RUNTIME_DIRECTORY")
        return self.runtime_dir or (Path(given) if given else self.data_dir / "run")

    def database(self) -> str:
        return self.db_uri or f"sqlite:///{(self.data_dir / 'chatd.db').absolute()}"

    def tokens(self) -> Path:
        return self.tokens_file or self.data_dir / "tokens.toml"

    def queue_uris(self, mode: Mode) -> tuple[str, ...]:
        """ZeroMQ addresses of the queue; ``mem://name`` is inproc."""
        return self._addresses(mode, self.queue_user_event_delivery_uri, self.queue_user_event_delivery_name)

    def node_uris(self, mode: Mode) -> tuple[str, ...]:
        """ZeroMQ addresses of the default nodes' call sockets."""
        return self._addresses(mode, self.default_uri, "default")

    def _addresses(self, mode: Mode, given: str, name: str) -> tuple[str, ...]:
        default = f"mem://{name}" if mode == "all" else f"ipc://{(self.ipc_dir() / name).absolute()}"
        return tuple("inproc://" + uri[6:] if uri.startswith("mem://") else uri for uri in (given or default).split(","))


def load_settings(mode: Mode, config_file: Path | None) -> Settings:
    """Read the settings. Raises ConfigError with one line for each problem."""
    path = config_file or (Path(os.environ["CHATD_CONFIG"]) if os.environ.get("CHATD_CONFIG") else None)
    if path is not None and not path.is_file():
        raise ConfigError(f"the configuration file {path} does not exist")
    if path is None and SYSTEM_CONFIG.is_file():
        path = SYSTEM_CONFIG
    try:
        settings = Settings(toml_file=path)  # type: ignore[call-arg]
    except ValidationError as exc:
        raise ConfigError("\n".join(_problem(error) for error in exc.errors())) from exc
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: {exc}") from exc
    _check_addresses(mode, settings)
    return settings


def _problem(error: Any) -> str:
    name = str(error["loc"][0]).upper() if error["loc"] else "settings"
    if error["type"] == "extra_forbidden":
        return f"{name.lower()}: there is no such setting"
    return f"{name}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _check_addresses(mode: Mode, settings: Settings) -> None:
    from chatd.transport.sockets import check_uri

    problems = []
    named = {
        "QUEUE_USER_EVENT_DELIVERY_URI": settings.queue_uris(mode),
        "DEFAULT_URI": settings.node_uris(mode),
        "GATEWAY_URI": (settings.gateway_uri,),
    }
    for name, uris in named.items():
        if len(uris) > 1 and mode != "gateway":
            problems.append(f"{name}: only a gateway may have several addresses")
        for uri in uris:
            try:
                check_uri(uri)
            except ConfigError as exc:
                problems.append(f"{name}: {exc}")
            if uri.startswith("inproc://") and (mode != "all" or name == "GATEWAY_URI"):
                problems.append(f"{name}: mem:// reaches nobody outside this process; use ipc:// or tcp://")
    if settings.max_payload_bytes >= settings.max_frame_bytes:
        problems.append("MAX_PAYLOAD_BYTES: must be less than MAX_FRAME_BYTES")
    if problems:
        raise ConfigError("\n".join(problems))


def describe(mode: Mode, settings: Settings) -> dict[str, str]:
    """The effective settings, by name; a database password is masked."""
    shown = {name.upper(): str(value) for name, value in settings.model_dump().items()}
    shown["DB_URI"] = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", settings.database())
    shown["RUNTIME_DIR"] = str(settings.ipc_dir())
    shown["TOKENS_FILE"] = str(settings.tokens())
    shown["QUEUE_USER_EVENT_DELIVERY_URI"] = ",".join(settings.queue_uris(mode)).replace("inproc://", "mem://")
    shown["DEFAULT_URI"] = ",".join(settings.node_uris(mode)).replace("inproc://", "mem://")
    return shown


def table() -> list[tuple[str, str, str]]:
    """Every setting: name, default, meaning."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in (None, "") else str(field.default)
        rows.append((name.upper(), default, str(field.description)))
    return rows
