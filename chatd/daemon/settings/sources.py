"""Reads the settings from their sources and judges them as a whole: every problem in one go, a line
each, no password in any.

The environment beats systemd's credentials, which beat the TOML file, which beats the default. The
keys are the same in all, in lower case in TOML; a file has no sections.
"""

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from chatd.core.toml import parse_toml
from chatd.daemon.mode import Mode
from chatd.daemon.settings import secret_files
from chatd.daemon.settings.masking import mask, may_hold_secret
from chatd.daemon.settings.section import allowed
from chatd.daemon.settings.settings import SECTIONS, Settings
from chatd.errors import ConfigError, os_error

SYSTEM_CONFIG = Path("/etc/chatd/chatd.toml")


def load_settings(mode: Mode, config_file: Path | None, *, system_config: Path = SYSTEM_CONFIG) -> Settings:
    """Read and check the settings for ``mode``. Raises ConfigError with one line for each problem,
    StartFailed for a file that cannot be read now.

    The file is ``config_file``, else $CHATD_CONFIG, else ``system_config`` if there is one.
    """
    named = config_file or (Path(os.environ["CHATD_CONFIG"]) if os.environ.get("CHATD_CONFIG") else None)
    path = named or system_config
    from_file = _read_file(path, required=named is not None)
    from_environment = _read_environment()
    sources = (
        secret_files.from_toml(from_file, path),
        {key: (value, str(path)) for key, value in from_file.items()},
        secret_files.from_environment(from_environment),
        {key: (value, "environment") for key, value in from_environment.items()},
    )
    given = {key: found for source in sources for key, found in source.items()}
    values = {key: value for key, (value, _) in given.items()}
    origins = {key: origin for key, (_, origin) in given.items()}
    problems = []
    try:
        settings = Settings.model_validate(
            _in_sections(values) | {"mode": mode, "config_file": config_file, "origins": origins}
        )
    except ValidationError as exc:
        # Without `from exc`: it repeats the values, passwords too.
        problems = [_problem(error, origins) for error in exc.errors()]
    problems += [
        f"{key!a}: there is no such setting (from {path}); chatd settings lists them"
        for key in _unknown(values)
    ]
    if not problems:
        problems = [mask(line) for line in settings.problems()]
    if problems:
        raise ConfigError("\n".join(problems)) from None
    return settings


def _read_file(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        document = parse_toml(path.read_bytes())
    except FileNotFoundError as exc:
        if required:
            raise os_error(f"the configuration file {path}", exc) from exc
        return {}
    except OSError as exc:
        raise os_error(f"the configuration file {path}", exc) from exc
    except ValueError as exc:
        raise ConfigError(f"the configuration file {path} {exc}") from exc
    return _one_data_dir(_lower_case(document, path))


def _lower_case(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """A file may write the names as the environment does. Raises ConfigError for a name that is
    there twice."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key.lower() in found:
            raise ConfigError(f"{key.upper()}: it is in {path} twice, in lower and in upper case")
        found[key.lower()] = value
    if "chatd_data_dir" in found:
        found["CHATD_DATA_DIR"] = found.pop("chatd_data_dir")
    return found


def _read_environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for section in SECTIONS.values():
        found |= EnvSettingsSource(section)()
    return _one_data_dir(found)


def _one_data_dir(found: dict[str, Any]) -> dict[str, Any]:
    """The names of DATA_DIR become one; the longest wins."""
    for alias in ("DATA_DIR", "CHATD_DATA_DIR"):
        if alias in found:
            found["data_dir"] = found.pop(alias)
    return found


def _in_sections(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {key: values[key] for key in section.model_fields if key in values}
        for name, section in SECTIONS.items()
    }


def _unknown(values: dict[str, Any]) -> list[str]:
    return [key for key in values if not any(key in section.model_fields for section in SECTIONS.values())]


def _problem(error: Any, origins: dict[str, str]) -> str:
    """One line for one of pydantic's errors: the setting, what is wrong with it, what is
    allowed."""
    section, key, *_ = error["loc"]
    field = SECTIONS[section].model_fields[key]
    given = "this" if may_hold_secret(field) else mask(ascii(error["input"]))[:80]
    origin = origins.get(key, "default")
    return f"{key.upper()}: {given} is not allowed (from {origin}); allowed: {allowed(field)}"
