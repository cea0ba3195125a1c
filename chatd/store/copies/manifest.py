"""Manifest: what a backup holds, in a file beside it. A restore compares both."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from chatd.errors import StartFailed, os_error
from chatd.files.durable import write_file

_MAX_BYTES = 1 << 20
"""A manifest has some 1,000."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """``rows`` counts them by table, ``log`` names the log that the backup is of."""

    made_at: str
    chatd: str
    log: str
    bytes: int
    sha256: str
    rows: dict[str, int]

    def write(self, backup: Path) -> None:
        """Write it beside the backup. Raises OSError."""
        write_file(manifest_of(backup), json.dumps(asdict(self), indent=2) + "\n")


def manifest_of(backup: Path) -> Path:
    """The path of a backup's manifest."""
    return backup.with_name(f"{backup.name}.manifest")


def read_manifest(backup: Path) -> Manifest | None:
    """The manifest beside a backup; None if there is none. Raises StartFailed."""
    path = manifest_of(backup)
    try:
        with path.open("rb") as file:
            manifest = Manifest(**json.loads(file.read(_MAX_BYTES)))
        if not isinstance(manifest.sha256, str) or not isinstance(manifest.made_at, str):
            raise TypeError
        return manifest
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise os_error(f"{path} cannot be read", exc) from exc
    except (ValueError, TypeError, RecursionError) as exc:
        raise StartFailed(
            f"{path} is no manifest; without it a restore compares no hash: remove it to go on"
        ) from exc
