"""Files with private keys: nobody but their owner may read them, as ssh wants it."""

import os
import stat
from pathlib import Path

from chatd.errors import ConfigError


def open_to(status: os.stat_result) -> int:
    """The permission bits of a path by which others than this process's user get at it. A file that
    somebody else owns, such as root, may be open to its group: so it was given to this process."""
    others = stat.S_IRWXO | (stat.S_IRWXG if status.st_uid == os.geteuid() else 0)
    return status.st_mode & others


def require_private(path: Path, what: str) -> None:
    """Raises ConfigError if others may read the file, which ``what`` names; OSError."""
    status = path.stat()
    if open_to(status):
        mode = stat.S_IMODE(status.st_mode)
        raise ConfigError(f"{what} has mode {mode:04o}; only its owner may read it: chmod 600")
