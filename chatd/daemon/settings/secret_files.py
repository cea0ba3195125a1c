"""Secrets from files: of each setting that may hold one, NAME_FILE names a file that has it, and
systemd may pass it as the credential of its name. It may pass the file that a setting names, such
as TOKENS_FILE, in the same way."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chatd.daemon.settings.environment import variable
from chatd.daemon.settings.masking import may_hold_secret
from chatd.daemon.settings.section import OptionalPath
from chatd.daemon.settings.settings import FIELDS, SECTIONS
from chatd.errors import ConfigError, os_error

MAX_BYTES = 65_536


def secret_names() -> Iterator[str]:
    """The settings that may hold a secret, in lower case."""
    yield from (key for key, field in FIELDS.items() if may_hold_secret(field))


def file_names() -> Iterator[str]:
    """The settings that name a file, in lower case."""
    for section in SECTIONS.values():
        for name, hint in section.__annotations__.items():
            if hint is OptionalPath and name not in ("runtime_dir", "notify_exec"):
                yield name


def from_environment(given: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """The secrets whose files the environment names, or that systemd has passed, each with its
    file; and the files that it has passed. ``given``: what the environment itself holds, which
    beats a credential. Raises ConfigError, StartFailed."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    found = {}
    for name in secret_names():
        key = f"{name.upper()}_FILE"
        path = variable(key)
        if path and name in given:
            raise ConfigError(f"{key}: {name.upper()} is in the environment too")
        if path:
            found[name] = read_secret(path, key)
        elif folder and name not in given and Path(folder, name).exists():
            found[name] = read_secret(Path(folder, name), name.upper())
    for name in file_names():
        passed = Path(folder, name) if folder and name not in given else None
        if passed is not None and passed.exists():
            found[name] = (str(passed), str(passed))
    return found


def from_toml(document: dict[str, Any], config_file: Path) -> dict[str, tuple[Any, str]]:
    """The same for a file of settings; the keys that name files are taken out of ``document``."""
    found = {}
    for name in secret_names():
        path = document.pop(f"{name}_file", None)
        key = f"{name.upper()}_FILE"
        if path is None or path == "":
            continue
        if not isinstance(path, str):
            raise ConfigError(f"{key}: {config_file} must name a file")
        if name in document:
            raise ConfigError(f"{key}: {name.upper()} is in {config_file} too")
        found[name] = read_secret(path, key)
    return found


def read_secret(path: str | Path, key: str) -> tuple[str, str]:
    """A file's text without the end of its line, and the file. Raises ConfigError, StartFailed."""
    try:
        path = Path(path).expanduser()
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ConfigError(f"{key}: {path} has more than {MAX_BYTES:,} bytes")
        return content.decode("utf-8-sig").rstrip("\r\n"), str(path)
    except RuntimeError as exc:
        raise ConfigError(f"{key}: {path} is in no known home directory") from exc
    except UnicodeDecodeError:
        raise ConfigError(f"{key}: {path} is not UTF-8") from None  # the cause quotes it
    except OSError as exc:
        raise os_error(f"{key}: {path}", exc) from exc
