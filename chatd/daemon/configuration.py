"""Reads the settings from their sources and judges them as a whole: every problem in one go, a line each, no password in any."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from chatd.core.notification import NOTIFIERS
from chatd.daemon.settings import Mode, Settings
from chatd.errors import ConfigError

SYSTEM_CONFIG = Path("/etc/chatd/chatd.toml")
MAX_IPC_PATH = 107
"""Bytes: what fits into sockaddr_un.sun_path beside its closing NUL."""


def load_settings(mode: Mode, config_file: Path | None, *, system_config: Path = SYSTEM_CONFIG) -> Settings:
    """Read and check the settings for ``mode``. Raises ConfigError with one line for each problem.

    The file is ``config_file``, else $CHATD_CONFIG, else ``system_config`` if there is one.
    """
    named = config_file or (Path(os.environ["CHATD_CONFIG"]) if os.environ.get("CHATD_CONFIG") else None)
    path = named or system_config
    from_file = _read_file(path, required=named is not None)
    from_environment = _read_environment()
    origins = dict.fromkeys(from_file, str(path)) | dict.fromkeys(from_environment, "environment")
    try:
        settings = Settings(**{**from_file, **from_environment})
    except ValidationError as exc:
        # Without `from exc`: it repeats the values, passwords too.
        raise ConfigError("\n".join(_problem(error, origins) for error in exc.errors())) from None
    problems = [mask(problem) for problem in _contradictions(mode, settings)]
    if problems:
        raise ConfigError("\n".join(problems))
    return settings.with_origins(origins)


def _read_file(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        if required:
            raise ConfigError(f"the configuration file {path} does not exist") from exc
        return {}
    except OSError as exc:
        raise ConfigError(f"the configuration file {path}: {exc.strerror}") from exc
    except ValueError as exc:  # neither TOML nor UTF-8
        raise ConfigError(f"the configuration file {path}: {exc}") from exc


def _read_environment() -> dict[str, Any]:
    found = EnvSettingsSource(Settings)()
    for alias in ("DATA_DIR", "CHATD_DATA_DIR"):  # the longer name wins
        if alias in found:
            found["data_dir"] = found.pop(alias)
    return found


def _problem(error: Any, origins: dict[str, str]) -> str:
    """One line for one of pydantic's errors: the setting, what is wrong with it, what is allowed."""
    key = str(error["loc"][0])
    where = f" (from {origins.get(key, 'default')})"
    if error["type"] == "extra_forbidden":
        return f"{key!a}: there is no such setting{where}; chatd settings lists them"
    given = "this" if "secret" in key else mask(ascii(error["input"]))[:80]
    return f"{key.upper()}: {given} is not allowed{where}; allowed: {allowed(key)}"


def allowed(name: str) -> str:
    """What a setting may be, in words: a range with its unit, the words to choose from, or the kind of text."""
    field = Settings.model_fields[name]
    if isinstance(field.json_schema_extra, dict):
        return str(field.json_schema_extra["allowed"])
    words = get_args(field.annotation)
    if words and all(isinstance(word, str) for word in words):
        return ", ".join(words)
    if any(getattr(item, "pattern", None) for item in field.metadata):
        return "1 to 64 of the characters A-Z a-z 0-9 . _ -"
    return "text"


def _contradictions(mode: Mode, settings: Settings) -> Iterator[str]:
    """What is wrong though each value by itself is well formed."""
    if mode != "gateway" and not re.match(r"sqlite:///.|postgres(ql)?://", settings.database()):
        yield "DB_URI: must be sqlite:////path/of/file or postgresql://user:password@host/database"
    if settings.max_payload_bytes >= settings.max_frame_bytes:
        yield f"MAX_PAYLOAD_BYTES: {settings.max_payload_bytes} must be less than MAX_FRAME_BYTES, {settings.max_frame_bytes}"
    for name, uris in (("QUEUE_USER_EVENT_DELIVERY_URI", settings.queue_uris(mode)), ("DEFAULT_URI", settings.node_uris(mode))):
        if len(uris) > 1 and mode != "gateway":
            yield f"{name}: only a gateway may have several addresses"
        for uri in uris:
            yield from _address_problems(name, uri, mem_allowed=mode == "all")
    if mode != "gateway":
        yield from _notifier_problems(settings)
    if mode != "default":
        yield from _address_problems("GATEWAY_URI", settings.gateway_uri, mem_allowed=False)


def _notifier_problems(settings: Settings) -> Iterator[str]:
    names = settings.notifier_names()
    for name in names:
        if name not in NOTIFIERS:
            yield f"NOTIFIERS: there is no {name[:40]!a}; there are {', '.join(NOTIFIERS)}"
    if "exec" in names and settings.notify_exec is None:
        yield "NOTIFY_EXEC: the notifier exec needs a program"
    if "webhook" in names:
        if not re.match(r"https?://[^/\s]+", settings.notify_webhook_url):
            yield "NOTIFY_WEBHOOK_URL: the notifier webhook needs an http:// or https:// address"
        if not settings.notify_webhook_secret.get_secret_value():
            yield "NOTIFY_WEBHOOK_SECRET: the notifier webhook needs a secret"
    if "webpush" in names:
        if settings.notify_vapid_key is None:
            yield "NOTIFY_VAPID_KEY: the notifier webpush needs a key's file"
        if not re.match(r"(mailto:|https://).", settings.notify_vapid_subject):
            yield "NOTIFY_VAPID_SUBJECT: the notifier webpush needs a mailto: or https: address"


def _address_problems(name: str, uri: str, *, mem_allowed: bool) -> Iterator[str]:
    from chatd.transport.sockets import check_uri

    if uri.startswith("inproc://") and not mem_allowed:
        yield f"{name}: mem:// reaches nobody outside this process; use ipc:// or tcp://"
    elif not uri.startswith(("inproc://", "ipc://", "tcp://")):
        yield f"{name}: {uri!r} must begin with {'mem://, ' if mem_allowed else ''}ipc:// or tcp://"
    elif uri.startswith("ipc://") and len(os.fsencode(uri[6:])) > MAX_IPC_PATH:
        yield f"{name}: {uri[6:]} is longer than the path of a socket may be, {MAX_IPC_PATH} bytes; a shorter RUNTIME_DIR helps"
    else:
        try:
            check_uri(uri)
        except ConfigError as exc:
            yield f"{name}: {exc}"


def mask(text: str) -> str:
    """``text`` with the password of any URI in it starred out, also one that holds ``@`` or stands among the parameters."""
    text = re.sub(r"(://[^:/?#\s]*):.*@", r"\1:***@", text)
    return re.sub(r"([?&](?:ssl)?password=)[^&\s]*", r"\1***", text, flags=re.IGNORECASE)
