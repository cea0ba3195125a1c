"""A hot standby of a cluster: it takes connections, answers queries, and refuses each write."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatd.store.database import Database
from tests.databases import Cluster, find_binaries


class Standby(Cluster):
    """``primary``'s copy, made and started by ``start``."""

    def __init__(self, binaries: Path, folder: Path, primary: Cluster) -> None:
        super().__init__(binaries, folder)
        self._primary = primary

    def start(self) -> None:
        data = str(self.folder / "data")
        self.as_owner(
            str(self.binaries / "pg_basebackup"),
            "-h",
            str(self._primary.folder),
            "-U",
            "chatd",
            "-D",
            data,
            "-R",
            "-c",
            "fast",
        )
        self.start_again()

    def promote(self) -> None:
        """It takes writes from now on, whatever it has missed."""
        self._control("promote")

    def has_caught_up(self) -> bool:
        """True if it has all that its primary had committed when it was asked."""
        primary, standby = (
            Database(one.uri("postgres") + "&target_session_attrs=any") for one in (self._primary, self)
        )
        with primary.connection(readonly=True), standby.connection(readonly=True):
            ((committed,),) = primary.rows("SELECT pg_current_wal_lsn()::text")
            ((replayed,),) = standby.rows("SELECT pg_last_wal_replay_lsn() >= ?::pg_lsn", (committed,))
        return bool(replayed)


@contextmanager
def standby_of(primary: Cluster) -> Iterator[Standby]:
    """A running hot standby."""
    binaries = find_binaries()
    assert binaries is not None, "there is a primary"
    folder = Path(tempfile.mkdtemp(prefix="chatd-pg-"))
    subprocess.run(["chown", "--reference", str(primary.folder), str(folder)], check=True)
    folder.chmod(0o755)
    running = Standby(binaries, folder, primary)
    try:
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
