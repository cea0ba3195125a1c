"""Reads the settings from their sources and judges them as a whole: every problem in one go, a line
each, no password in any.

The environment beats systemd's credentials, which beat the instance's file, which beats the file
for all, which beats the default. The keys are the same in all, in lower case in TOML; a file has no
sections. Empty is unset everywhere.
"""

import os
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chatd.daemon.mode import Mode
from chatd.daemon.settings import secret_files
from chatd.daemon.settings.environment import read_environment, warnings
from chatd.daemon.settings.files import known, read_file
from chatd.daemon.settings.instances import read_instance
from chatd.daemon.settings.masking import mask, may_hold_secret
from chatd.daemon.settings.section import allowed
from chatd.daemon.settings.settings import FIELDS, SECTIONS, Settings
from chatd.errors import ConfigError

SYSTEM_CONFIG = Path("/etc/chatd/chatd.toml")


def load_settings(
    mode: Mode | None,
    config_file: Path | None,
    *,
    instance: str | None = None,
    system_config: Path = SYSTEM_CONFIG,
) -> Settings:
    """Read and check the settings for ``mode``, or for the one that the instance's file says.
    Raises ConfigError with one line for each problem, StartFailed for a file that cannot be read
    now.

    The file is ``config_file``, else $CHATD_CONFIG, else ``system_config`` if there is one. The
    instance is $CHATD_INSTANCE unless it is given; empty: none.
    """
    instance = os.environ.get("CHATD_INSTANCE", "") if instance is None else instance
    named = config_file or (Path(os.environ["CHATD_CONFIG"]) if os.environ.get("CHATD_CONFIG") else None)
    path = named or system_config
    document, unknown = known(read_file(path, required=named is not None), path)
    own = read_instance(instance)
    from_environment = read_environment()
    sources: tuple[dict[str, tuple[Any, str]], ...] = (
        {key: (value, f"instance {instance}") for key, value in own.defaults.items()},
        secret_files.from_toml(document, path),
        {key: (value, str(path)) for key, value in document.items()},
        secret_files.from_toml(own.document, own.path),
        {key: (value, str(own.path)) for key, value in own.document.items()},
        secret_files.from_environment(from_environment),
        {key: (value, "environment") for key, value in from_environment.items()},
    )
    given = {key: found for source in sources for key, found in source.items()}
    values = {key: value for key, (value, _) in given.items()}
    origins = {key: origin for key, (_, origin) in given.items()}
    warned = tuple(warnings())
    about = {
        "mode": mode or own.mode,
        "config_file": config_file,
        "instance": instance,
        "origins": origins,
        "warnings": warned,
    }
    problems = []
    try:
        settings = Settings.model_validate(_in_sections(values) | about)
    except ValidationError as exc:
        # Without `from exc`: it repeats the values, passwords too.
        problems = [_problem(error, origins) for error in exc.errors()]
    problems += [*unknown, *own.unknown]
    if not problems:
        problems = [_with_origin(mask(line), origins) for line in settings.problems()]
    if problems:
        raise ConfigError("\n".join((*problems, *warned))) from None
    return settings


def _in_sections(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {key: values[key] for key in section.model_fields if key in values}
        for name, section in SECTIONS.items()
    }


def _problem(error: Any, origins: dict[str, str]) -> str:
    """One line for one of pydantic's errors: the setting, what is wrong with it, what is
    allowed."""
    _, key, *_ = error["loc"]
    field = FIELDS[key]
    given = "this" if may_hold_secret(field) else mask(ascii(error["input"]))[:80]
    origin = origins.get(key, "default")
    return f"{key.upper()}: {given} is not allowed (from {origin}); allowed: {allowed(field)}"


def _with_origin(line: str, origins: dict[str, str]) -> str:
    """A section's line with the place that its setting is from."""
    name = re.match("[A-Z_]+(?=: )", line)
    origin = origins.get(name[0].lower()) if name else None
    return f"{line} (from {origin})" if origin else line
