"""chatd backup, restore and check-db, as processes beside a node that serves."""

import asyncio
import fcntl
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.client import Client
from tests import fork_server
from tests.daemon.test_process import chatd
from tests.daemons import Daemon, operator_token
from tests.databases import Cluster
from tests.store.release import fill


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A node that serves, whose database holds a little."""
    with Daemon("all", tmp_path_factory.mktemp("served")) as daemon:
        yield daemon


def of(folder: Path) -> dict[str, str]:
    return {"CHATD_DATA_DIR": str(folder)}


async def test_a_backup_is_made_while_messages_are_stored(served: Daemon, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    async with Client(served.uri, operator_token(served.folder), profile="alice") as alice:
        await alice.create_room("r")
        first = (await alice.send("r", "before")).seq
        running = asyncio.create_task(asyncio.to_thread(chatd, "backup", str(backup), **of(served.folder)))
        while not running.done():
            await alice.send("r", "meanwhile")
        last = (await alice.send("r", "after")).seq
    done = await running
    assert done.returncode == 0, done.stderr
    assert "\r" not in done.stderr, "progress is for terminals"
    assert done.stderr == "not in it: the token file and the keys; copy them from the data directory\n"
    restored = tmp_path / "data"
    did = chatd("restore", str(backup), "--json", "--yes", **of(restored))
    assert did.returncode == 0, did.stderr
    with Daemon("all", restored) as daemon:
        async with Client(daemon.uri, operator_token(restored), profile="alice") as alice:
            assert first < (await alice.send("r", "new")).seq <= last
    database = sqlite3.connect(restored / "chatd.db")
    assert database.execute("SELECT incarnation FROM log").fetchone()[0] == json.loads(did.stdout)["log"]
    database.close()


def test_a_backup_is_described(served: Daemon, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    done = chatd("backup", str(backup), "--json", **of(served.folder))
    manifest = json.loads((tmp_path / "backup.db.manifest").read_text())
    assert json.loads(done.stdout) == {"file": str(backup), **manifest}
    again = chatd("backup", str(backup), **of(served.folder))
    assert (again.returncode, "--force" in again.stderr, again.stdout) == (2, True, "")
    forced = chatd("backup", str(backup), "--force", **of(served.folder))
    assert (forced.returncode, forced.stdout.split()[:2]) == (0, ["file:", str(backup)])


def test_a_terminal_sees_how_far_it_is(served: Daemon, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "chatd", "backup", str(tmp_path / "backup.db")]
    with fork_server.Popen(
        command, env={**os.environ, **of(served.folder)}, stderr=theirs, stdout=theirs
    ) as made:
        assert made.wait(30) == 0
    os.close(theirs)
    shown = b""
    while b"not in it" not in shown:
        shown += os.read(ours, 65_536)
    os.close(ours)
    for step in (b"copy", b"check", b"hash"):
        assert step + b" 100 %" in shown
    assert b"KiB of" in shown


def test_a_restore_is_refused_while_a_node_has_the_database(served: Daemon, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    chatd("backup", str(backup), **of(served.folder))
    refused = chatd("restore", str(backup), "--yes", **of(served.folder))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"is in use by chatd all, node all, pid {served.pid}" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_nobody_is_not_asked(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path}/chatd.db")
    backup = str(tmp_path / "backup.db")
    chatd("backup", backup, **of(tmp_path))
    command = [sys.executable, "-m", "chatd", "restore", backup]
    unasked = fork_server.run(command, input="y\n", env={**os.environ, **of(tmp_path)})
    assert (unasked.returncode, "give --yes" in unasked.stderr) == (2, True)
    manifest = tmp_path / "backup.db.manifest"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "made_at": "\x1b]0;a\x07\nb"}))
    done = chatd("restore", backup, "--yes", **of(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "made at:      \\x1b]0;a\\x07\\nb\n" in done.stdout, "it may come from elsewhere"
    (kept,) = tmp_path.glob("chatd.db.before-*")
    assert f"old database: {kept}" in done.stdout


def test_a_terminal_is_asked_and_may_leave(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path}/chatd.db")
    backup = str(tmp_path / "backup.db")
    chatd("backup", backup, **of(tmp_path))
    for answer, code in (("n\n", 1), ("y\n", 0)):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "chatd", "restore", backup]
        with fork_server.Popen(
            command, env={**os.environ, **of(tmp_path)}, stdin=theirs, stdout=theirs, stderr=theirs
        ) as asked:
            os.close(theirs)
            shown = b""
            while b"[y/N]" not in shown:
                shown += os.read(ours, 4096)
            os.write(ours, answer.encode())
            assert asked.wait(30) == code, answer
        os.close(ours)
        assert len(list(tmp_path.glob("chatd.db.before-*"))) == (code == 0)


def test_a_database_that_contradicts_itself_is_said(served: Daemon, tmp_path: Path) -> None:
    fine = chatd("check-db", **of(served.folder))
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "nothing was found\n", "")
    fill(f"sqlite:///{tmp_path}/chatd.db")
    database = sqlite3.connect(tmp_path / "chatd.db")
    database.execute("UPDATE outbox SET acked_seq = 99, device_id = 'a\x1bb' WHERE profile_id = 'bob'")
    database.commit()
    database.close()
    found = chatd("check-db", **of(tmp_path))
    assert (found.returncode, found.stderr) == (1, "")
    lines = [line.split("\t") for line in found.stdout.splitlines()]
    assert lines[0] == [
        "outbox.cursor",
        "1",
        "profile_id bob, device_id a\\x1bb, room_id r, start_seq 1",
        "a device's cursor is not within what it is owed",
    ]
    assert [line[0] for line in lines[1:]] == ["outbox.orphan"]
    as_json = json.loads(chatd("check-db", "--json", **of(tmp_path)).stdout)
    assert [(one["name"], one["rows"]) for one in as_json] == [("outbox.cursor", 1), ("outbox.orphan", 1)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_word(tmp_path: Path, number: signal.Signals) -> None:
    fill(f"sqlite:///{tmp_path}/chatd.db")
    with (tmp_path / "chatd.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever opens the database waits for it
        command = [sys.executable, "-m", "chatd", "check-db"]
        pipe = subprocess.PIPE
        with fork_server.Popen(command, env={**os.environ, **of(tmp_path)}, stdout=pipe, stderr=pipe) as made:
            waits_for = Path(f"/proc/{made.pid}/wchan")
            deadline = time.monotonic() + 20
            while "lock" not in waits_for.read_text() and time.monotonic() < deadline:
                time.sleep(0.01)
            made.send_signal(number)
            said, complained = made.communicate(timeout=20)
    assert (made.returncode, said, complained.strip()) == (130, b"", b"")


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    from tests.store.copies.test_backup import damage

    fill(f"sqlite:///{tmp_path}/chatd.db")
    damage(tmp_path / "chatd.db")
    found = chatd("check-db", **of(tmp_path))
    assert found.returncode == 1, found.stderr
    assert found.stdout.startswith("integrity\t")
    assert "Traceback" not in found.stderr


def test_damage_is_said_where_another_fault_would_end_the_check(tmp_path: Path) -> None:
    from tests.store.copies.test_backup import damage

    fill(f"sqlite:///{tmp_path}/chatd.db")
    damage(tmp_path / "chatd.db")
    database = sqlite3.connect(tmp_path / "chatd.db")
    database.execute("UPDATE schema_fingerprint SET fingerprint = 'x'")
    database.commit()
    database.close()
    found = chatd("check-db", **of(tmp_path))
    assert (found.returncode, found.stderr) == (1, "")
    assert [line.split("\t")[0] for line in found.stdout.splitlines()] == ["integrity", "read"]


@pytest.mark.parametrize("command", [("check-db",), ("backup", "b.db")])
def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path, command: tuple[str, ...]) -> None:
    fill(f"sqlite:///{tmp_path}/chatd.db")
    for end in ("-wal", "-shm"):
        Path(f"{tmp_path}/chatd.db{end}").unlink(missing_ok=True)
        Path(f"{tmp_path}/chatd.db{end}").mkdir()  # as in a folder where nothing can be made
    found = chatd(*command, **of(tmp_path))
    assert (found.returncode, found.stdout) == (1, "")
    assert "unable to open database file, for SQLite makes files beside it and cannot" in found.stderr


@pytest.mark.parametrize("command", [("backup", "b.db"), ("check-db",), ("restore", "--mark", "--yes")])
def test_no_database_is_said_and_none_is_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = chatd(*command, **of(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"chatd: there is no database at {tmp_path}/chatd.db\n"
    assert not list(tmp_path.iterdir())


def test_postgres_is_told_what_to_run(postgres_uri: str, tmp_path: Path) -> None:
    secret = postgres_uri.replace("chatd@", "chatd:pa%20ss@")
    where = {**of(tmp_path), "DB_URI": secret}
    for command, lines in (("backup", 1), ("restore", 3)):
        done = chatd(command, "/srv/my backup", **where)
        assert (done.returncode, len(done.stdout.splitlines())) == (2, lines)
        assert "pa" not in done.stdout.replace("password", "").replace("chatd-pg", "").replace("backup", "")
        assert "'/srv/my backup'" in done.stdout


def test_postgres_is_marked_under_a_node_that_serves(postgres: Cluster, tmp_path: Path) -> None:
    """Its next renewal tells it."""
    uri = postgres.uri(postgres.new_database("t1"))
    with Daemon("default", tmp_path, {"DB_URI": uri, "NODE_LEASE_SECONDS": 0.5}) as daemon:
        done = chatd("restore", "--mark", "--yes", "--json", **of(tmp_path), DB_URI=uri)
        assert done.returncode == 0, done.stderr
        name = json.loads(done.stdout)["log"]
        deadline = time.monotonic() + 20
        while "holds another log than before" not in daemon.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert name in daemon.log.read_text()
        checked = chatd("check-db", **of(tmp_path), DB_URI=uri)
        assert (checked.returncode, checked.stdout) == (0, "nothing was found\n")


def test_a_backup_of_a_node_that_was_killed_has_all_it_stored(tmp_path: Path) -> None:
    data = tmp_path / "data"

    async def send() -> None:
        async with Client(daemon.uri, operator_token(data), profile="alice") as alice:
            await alice.create_room("r")
            await alice.send("r", "the last")

    daemon = Daemon("all", data)
    daemon.start()
    asyncio.run(send())
    daemon.kill()
    done = chatd("backup", str(tmp_path / "backup.db"), "--json", **of(data))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"]["room_event"] == 2
