"""The commands of README.md on backups, restores and the move to PostgreSQL, in other folders.
`make machine-test` runs them as they stand there."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import fork_server
from tests.databases import Cluster
from tests.store.release import fill

README = Path(__file__).parents[2] / "systemd/README.md"
SECTIONS = ("Backup", "Restore", "Move to PostgreSQL")


def blocks(section: str) -> list[str]:
    """Its shell commands."""
    text = README.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def run(commands: str, folder: Path, **environment: str) -> str:
    """Run them with other folders and users, chatd without the time that its imports take; what is
    of the system does nothing. Returns what the last one prints."""
    short = tempfile.gettempdir()  # a socket's path has 107 bytes at most; nothing listens here
    given = {
        **os.environ,
        "CHATD_DATA_DIR": f"{folder}/var/lib/chatd",
        "CHATD_RUNTIME_DIR": short,
        **environment,
    }
    printed = ""
    for command in commands.splitlines():
        for place in ("/var/lib/chatd", "/var/backups/chatd"):
            command = command.replace(place, f"{folder}{place}")
            Path(f"{folder}{place}").mkdir(parents=True, exist_ok=True)
        if command.startswith("sudo -u "):
            command = command.split(maxsplit=3)[3]
        program = command.split()[0]
        if program in ("systemctl", "install", "createuser", "echo"):
            continue
        if program == "chatd":
            words = ["printf '%s\\n' " + command.removeprefix("chatd ")]
            listed = subprocess.run(["bash", "-c", *words], capture_output=True, text=True, check=True)
            done = fork_server.run([sys.executable, "-m", "chatd", *listed.stdout.split()], env=given)
        else:
            done = subprocess.run(
                ["bash", "-c", command], env=given, text=True, capture_output=True, check=False
            )
        assert done.returncode == 0, (command, done.stderr)
        printed = done.stdout
    return printed


def test_sqlite_is_backed_up_and_restored(tmp_path: Path) -> None:
    data = tmp_path / "var/lib/chatd"
    data.mkdir(parents=True)
    fill(f"sqlite:///{data}/chatd.db")
    assert "sha256:" in run(blocks("Backup")[0], tmp_path)
    assert run(blocks("Restore")[0], tmp_path).endswith("nothing was found\n")


def test_postgres_is_filled_dumped_and_restored(postgres: Cluster, tmp_path: Path) -> None:
    data = tmp_path / "var/lib/chatd"
    data.mkdir(parents=True)
    fill(f"sqlite:///{data}/chatd.db")
    path = f"{postgres.binaries}:{os.environ['PATH']}"
    server = {"PGHOST": str(postgres.folder), "PGUSER": postgres.user, "PATH": path}
    server["CHATD_DB_URI"] = "postgresql:///chatd"
    assert "room_event\t12\t" in run(blocks("Move to PostgreSQL")[0], tmp_path, **server)
    run(blocks("Backup")[1], tmp_path, **server)
    try:
        assert run(blocks("Restore")[1], tmp_path, **server).endswith("nothing was found\n")
    finally:
        program = [
            str(postgres.binaries / "dropdb"),
            "-h",
            str(postgres.folder),
            "-U",
            postgres.user,
            "chatd",
        ]
        subprocess.run(program, check=True, capture_output=True)


def test_every_block_is_run() -> None:
    assert [len(blocks(section)) for section in SECTIONS] == [2, 2, 1]
