"""PgBouncer in transaction mode before a cluster: each transaction may get another of its two
sessions."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.databases import Cluster

HOW_TO_INSTALL = "PgBouncer is not installed: apt-get install pgbouncer"
PORT = 6432
"""Names its socket; no TCP port is opened."""


def find_pgbouncer() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


class Pooler:
    """``uri`` leads to a database of the cluster."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def uri(self, database: str) -> str:
        return f"postgresql://chatd@/{database}?host={self._folder}&port={PORT}"


@contextmanager
def pooler(running: Cluster) -> Iterator[Pooler]:
    """A running PgBouncer; it refuses to run as root, so it gets an account that owns nothing
    else."""
    program = find_pgbouncer()
    assert program is not None, HOW_TO_INSTALL
    folder = Path(tempfile.mkdtemp(prefix="chatd-pgb-"))
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"""
        [databases]
        * = host={running.folder} user=chatd
        [pgbouncer]
        pool_mode = transaction
        default_pool_size = 2
        server_round_robin = 1
        auth_type = any
        listen_addr =
        listen_port = {PORT}
        unix_socket_dir = {folder}
        max_client_conn = 500
        """.replace("        ", "")
    )
    folder.chmod(0o755)
    prefix: list[str] = []
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([*prefix, program, str(config)], stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 20
        while not (folder / f".s.PGSQL.{PORT}").exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        yield Pooler(folder)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
