"""A backup of a deployment's database, taken while it is served, and put back while it is not: by
chatd's commands on SQLite, on PostgreSQL by those that chatd names."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from chatd.store.database import Database
from tests import fork_server
from tests.databases import Cluster

TRIES_SECONDS = 30.0
"""PostgreSQL may be restarted meanwhile, and a backup begins anew."""


class Backups:
    """The newest backup of a database, in a file of ``folder``, which is the nodes' data
    directory."""

    def __init__(self, folder: Path, uri: str, cluster: Cluster | None) -> None:
        self._folder = folder
        self._uri = uri
        self._cluster = cluster
        self._file = folder / "chaos.backup"

    def take(self) -> None:
        """Raises RuntimeError if it cannot be taken."""
        if self._cluster is None:
            self._chatd("backup", str(self._file), "--force")
            return
        deadline = time.monotonic() + TRIES_SECONDS
        while True:
            try:
                self._postgres("pg_dump", "--format=custom", f"--file={self._file}", f"--dbname={self._uri}")
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def restore(self) -> tuple[str, dict[str, int]]:
        """The log's new name, and what it has of each room. No node runs."""
        if self._cluster is None:
            said = self._chatd("restore", str(self._file), "--yes", "--json")
        else:
            others = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            self._postgres("psql", f"--dbname={self._uri}", "-c", others)
            how = ("--clean", "--if-exists", "--single-transaction")
            self._postgres("pg_restore", *how, f"--dbname={self._uri}", str(self._file))
            said = self._chatd("restore", "--mark", "--yes", "--json")
        database = Database(self._uri, create=False)
        with database.connection(readonly=True):
            heads = dict(database.rows("SELECT room_id, head_seq FROM room"))
        return str(json.loads(said)["log"]), heads

    def check(self) -> str:
        """The findings of ``chatd check-db``; empty if it finds nothing."""
        done = self._run([sys.executable, "-m", "chatd", "check-db"])
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def _chatd(self, *arguments: str) -> str:
        done = self._run([sys.executable, "-m", "chatd", *arguments])
        if done.returncode:
            raise RuntimeError(f"chatd {' '.join(arguments)} failed: {done.stderr}")
        return done.stdout

    def _postgres(self, program: str, *arguments: str) -> None:
        assert self._cluster is not None
        done = self._run([str(self._cluster.binaries / program), *arguments])
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "CHATD_DATA_DIR": str(self._folder), "CHATD_DB_URI": self._uri}
        if command[0] == sys.executable:
            return fork_server.run(command, env=environment)  # to import takes seconds under load
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
