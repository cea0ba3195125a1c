"""Instances: several processes of one machine, each by a name of its own, as systemd's units have
it. The file ``/etc/chatd/NAME.toml`` has the settings that are its alone, and its mode.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from chatd.daemon.mode import Mode
from chatd.daemon.settings.files import known, read_file
from chatd.daemon.settings.node import host_name
from chatd.errors import ConfigError

MODES = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Instance:
    """``document`` is what its file, ``path``, says, ``unknown`` a line for each key that is no
    setting. ``defaults`` are those by which it differs from others of its machine."""

    mode: Mode | None
    path: Path
    document: dict[str, Any]
    unknown: Sequence[str]
    defaults: Mapping[str, Any]


def read_instance(name: str) -> Instance:
    """The instance of this name; empty: none. One that is called like a mode needs no file. Raises
    ConfigError, and StartFailed for a file that cannot be read now."""
    if not name:
        return Instance(None, Path(), {}, (), {})
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", name):
        raise ConfigError(
            f"the instance {name[:80]!a}: its name has 1 to 32 of the characters A-Z a-z 0-9 . _ -"
        )
    path = Path(os.environ.get("CONFIGURATION_DIRECTORY") or "/etc/chatd") / f"{name}.toml"
    content = read_file(path, required=False)
    is_mode = name in MODES
    mode = next((content.pop(key) for key in ("mode", "MODE") if key in content), name if is_mode else None)
    if mode is None and not path.exists():
        raise ConfigError(f"the instance {name}: there is no {path}, and it is no mode")
    if mode not in MODES:
        raise ConfigError(f"the configuration file {path}: mode must be {', '.join(MODES)}")
    defaults = {} if is_mode else {"node_id": f"{host_name()[: 63 - len(name)]}-{name}"}
    return Instance(cast(Mode, mode), path, *known(content, path), defaults)
