"""LogFile: a node's data directory names the log of its database. So a database that has gone away
is not taken for a new one, and an older copy is known by its beat."""

import json
from pathlib import Path

import structlog

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.errors import StartFailed, os_error
from chatd.files.durable import write_file

log = structlog.get_logger()


class LogFile:
    """The file of a node in its data directory ``folder``. It is written when the log is another
    one than before, and when the node ends."""

    def __init__(self, folder: Path, node_id: str) -> None:
        self.path = folder / f"log-{node_id}.json"

    def read(self) -> LogState:
        """The log of the last run; nothing is known if there is no file. Raises ConfigError,
        StartFailed."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return LogState(str(found["incarnation"]), int(found["beat"]))
        except FileNotFoundError:
            return UNKNOWN_LOG
        except OSError as exc:
            raise os_error(f"{self.path} cannot be read", exc) from exc
        except (ValueError, KeyError, TypeError) as exc:
            raise StartFailed(
                f"{self.path} does not name a log: look whether the database is the right one, and remove the file"
            ) from exc

    def write(self, state: LogState) -> None:
        """Replace it. A failure is logged: the next start knows less, and this run goes on."""
        try:
            write_file(self.path, json.dumps(state._asdict()))
        except OSError as exc:
            log.warning("The log's name cannot be written down", file=str(self.path), error=str(exc))

    def missing(self, database: str) -> StartFailed:
        """The error for a ``database`` that is empty, although the file names a log."""
        return StartFailed(
            f"the database {database} is empty, but {self.path} says that this node has had another one: "
            f"bring that one back, or remove {self.path} to begin with an empty log"
        )
