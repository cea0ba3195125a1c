"""A throw-away PostgreSQL cluster from the installed binaries, started once a test process, ended
with it."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOW_TO_INSTALL = (
    "PostgreSQL's server is not installed: apt-get install postgresql (or put initdb and pg_ctl on PATH)"
)


def find_binaries() -> Path | None:
    """The folder of the newest installed initdb and pg_ctl."""
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True
    )
    for folder in [*installed, *found]:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


class Cluster:
    """Listens on a socket in its own folder only. ``uri`` names a database of it. ``user`` is its
    superuser."""

    def __init__(self, binaries: Path, folder: Path, options: str = "", *, user: str = "chatd") -> None:
        self.binaries = binaries
        self.user = user
        self.folder = folder
        self._number = 0
        self._options = (
            f"-k {folder} -c listen_addresses='' -c shared_buffers=64MB -c max_connections=200 {options}"
        )

    def as_owner(self, *command: str) -> None:
        """PostgreSQL refuses to run as root: give it an account that owns nothing else."""
        prefix = (
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []
        )
        done = subprocess.run(
            [*prefix, *command], capture_output=True, text=True, check=False, cwd=self.folder
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")

    def start(self) -> None:
        data = self.folder / "data"
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
        self.as_owner(
            str(self.binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            self.user,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
        )
        self.start_again()

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def restart(self) -> None:
        """As a power switch would: every connection is cut, nothing is said."""
        self._control("restart", "-m", "immediate", "-l", "log")

    @property
    def pid(self) -> int:
        """The server's process id."""
        return int((self.folder / "data/postmaster.pid").read_text().splitlines()[0])

    def kill(self) -> None:
        """kill -9 of the server and all its children, at once."""
        server = self.pid
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(server)], capture_output=True, text=True, check=True
        ).stdout
        for pid in (server, *map(int, listed.split())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # a backend that has just ended
        while Path(f"/proc/{server}").exists():
            time.sleep(0.01)

    def start_again(self) -> None:
        """After ``kill``; returns when it has recovered."""
        self._control("start", "-o", self._options, "-l", "log")

    def terminate_a_backend(self) -> None:
        """End one of chatd's connections, whatever it is doing; nothing if the server is away."""
        sql = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chatd' ORDER "
            "BY random() LIMIT 1"
        )
        command = [
            str(self.binaries / "psql"),
            "-h",
            str(self.folder),
            "-U",
            self.user,
            "-d",
            "postgres",
            "-c",
            sql,
        ]
        subprocess.run(command, check=False, capture_output=True)

    def deadlocks(self) -> int:
        """The number that the server has found since it was made."""
        return (self.folder / "log").read_text(errors="replace").count("deadlock detected")

    def _control(self, action: str, *more: str) -> None:
        self.as_owner(str(self.binaries / "pg_ctl"), "-D", str(self.folder / "data"), "-w", action, *more)

    def uri(self, database: str) -> str:
        return f"postgresql://{self.user}@/{database}?host={self.folder}"

    def new_database(self, template: str = "template1") -> str:
        """The name of a fresh database."""
        self._number += 1
        name = f"t{self._number}"
        command = [
            str(self.binaries / "createdb"),
            "-h",
            str(self.folder),
            "-U",
            self.user,
            "-T",
            template,
            name,
        ]
        subprocess.run(command, check=True, capture_output=True)
        return name


@contextmanager
def cluster(options: str = "", *, user: str = "chatd") -> Iterator[Cluster | None]:
    """A running cluster, or None where PostgreSQL is not installed. ``options``: more of the
    server's own."""
    binaries = find_binaries()
    if binaries is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="chatd-pg-"))
    folder.chmod(0o755)
    running = Cluster(binaries, folder, options, user=user)
    try:
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
