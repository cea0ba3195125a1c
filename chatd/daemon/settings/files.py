"""TOML files of settings, before their values are judged."""

from pathlib import Path
from typing import Any

from chatd.core.toml import parse_toml
from chatd.daemon.settings import secret_files
from chatd.daemon.settings.environment import suggestion
from chatd.daemon.settings.section import allowed
from chatd.daemon.settings.settings import FIELDS
from chatd.errors import ConfigError, os_error


def read_file(path: Path, *, required: bool) -> dict[str, Any]:
    """A TOML file's content; none if it is missing and not ``required``. Raises ConfigError,
    StartFailed."""
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
    return document


def known(document: dict[str, Any], path: Path) -> tuple[dict[str, Any], list[str]]:
    """The settings that a file holds, under their own keys, since it may write them as the
    environment does; and a line for each key that is none. Raises ConfigError for a name that is
    there twice."""
    found: dict[str, Any] = {}
    problems = []
    files = {f"{name}_file" for name in secret_files.secret_names()}
    for name, value in document.items():
        key = name.lower().removeprefix("chatd_")
        if isinstance(value, dict) and key not in FIELDS:
            problems.append(f"{name!a}: a file of settings has no sections (from {path})")
        elif key not in FIELDS and key not in files:
            near = suggestion(key, sorted(FIELDS))
            problems.append(f"{name!a}: there is no such setting (from {path}){near}")
        elif isinstance(value, bool) and key in FIELDS and FIELDS[key].annotation in (int, float):
            is_what = str(value).lower()  # to pydantic it is a number
            problems.append(
                f"{key.upper()}: {is_what} is not allowed (from {path}); allowed: {allowed(FIELDS[key])}"
            )
        elif key in found:
            raise ConfigError(f"{key.upper()}: it is in {path} twice, under two forms of its name")
        else:
            found[key] = value
    return {key: value for key, value in found.items() if value != ""}, problems
