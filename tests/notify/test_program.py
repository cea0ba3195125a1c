"""``exec``: the program gets the notification on its standard input and nothing of chatd's
environment. A program that is killed takes its children with it."""

import asyncio
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest

from chatd.client import Client
from chatd.core.model import PushDevice
from chatd.core.notification import Notification, NotifyFailed
from chatd.notify.program import ExecNotifier
from chatd.pb.admin.v1 import admin_pb2
from tests.notify.receiver import QUICK
from tests.system.deployment import Deployment


async def test_a_program_gets_the_notification_on_its_input_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "notify.sh"
    program.write_text(
        f"#!/bin/sh\nenv > {tmp_path}/env\ncat > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/got\n[ ! -e "
        f"{tmp_path}/fail ]\n"
    )
    program.chmod(0o755)
    settings = {**QUICK, "NOTIFIERS": "exec", "NOTIFY_EXEC": program, "NOTIFY_TIMEOUT_MS": 2_000}
    with Deployment(tmp_path, f"sqlite:///{tmp_path}/c.db", defaults=0, gateways=0, **settings) as deployment:
        async with Client(deployment.uri(), deployment.token, profile="bob") as bob:
            await bob.set_push("phone", "exec")
            request = admin_pb2.TestNotificationRequest(profile_id="bob", device_id="phone")
            done = await bob.call(
                "AdminService/TestNotification", request, admin_pb2.TestNotificationResponse
            )
            assert (done.notifier, done.sent, done.error) == ("exec", True, "")
            assert '"kind": "test"' in (tmp_path / "got").read_text()
            assert "CHATD_DATA_DIR" not in (tmp_path / "env").read_text()
            (tmp_path / "fail").touch()
            done = await bob.call(
                "AdminService/TestNotification", request, admin_pb2.TestNotificationResponse
            )
            assert (done.sent, done.error) == (False, "the program ended with 1")
            program.write_text("#!/bin/sh\nexec sleep 60\n")
            done = await bob.call(
                "AdminService/TestNotification", request, admin_pb2.TestNotificationResponse
            )
            assert (done.sent, done.error) == (False, "the program did not end in time")


FORKING = """#!/bin/sh
sleep 60 &
echo $! > {folder}/child
(sleep 60 & echo $! > {folder}/grandchild; wait) &
{end}
"""


def is_running(pid: int) -> bool:
    """A process that was killed and not waited for yet does not count."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    return False


def is_written(file: Path) -> bool:
    """A shell makes the file before it writes."""
    return file.exists() and file.read_text().endswith("\n")


async def written_in(file: Path) -> int:
    """The process id that the program writes there."""
    async with asyncio.timeout(10):
        while not is_written(file):
            await asyncio.sleep(0.01)
    return int(file.read_bytes())  # noqa: ASYNC240  it is there


async def has_ended(pid: int) -> None:
    async with asyncio.timeout(10):
        while is_running(pid):
            await asyncio.sleep(0.01)


async def test_a_program_is_told_of_an_invitation(tmp_path: Path) -> None:
    program = tmp_path / "notify.sh"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/got\n")
    program.chmod(0o755)
    invitation = Notification("invitation", "bob", "phone", "attic", "The attic", sender_id="alice")
    await ExecNotifier(program, timeout=20).notify(invitation, PushDevice("exec", "", "", ""))
    assert json.loads((tmp_path / "got").read_text()) == invitation.to_dict()


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_killed_program_leaves_no_children(tmp_path: Path, cancelled: bool) -> None:
    program = tmp_path / "notify.sh"
    program.write_text(FORKING.format(folder=tmp_path, end="wait"))
    program.chmod(0o755)
    notifier = ExecNotifier(program, timeout=60 if cancelled else 1.5)
    notifying = asyncio.create_task(
        notifier.notify(Notification("message", "bob", "phone"), PushDevice("exec", "", "", ""))
    )
    pids = [await written_in(tmp_path / name) for name in ("child", "grandchild")]
    if cancelled:
        notifying.cancel()
    with pytest.raises(asyncio.CancelledError if cancelled else NotifyFailed):
        await notifying
    for pid in pids:
        await has_ended(pid)


async def test_a_program_that_ends_by_itself_may_leave_something_running(tmp_path: Path) -> None:
    program = tmp_path / "notify.sh"
    program.write_text(FORKING.format(folder=tmp_path, end="exit 0"))
    program.chmod(0o755)
    await ExecNotifier(program, timeout=60).notify(
        Notification("message", "bob", "phone"), PushDevice("exec", "", "", "")
    )
    pid = await written_in(tmp_path / "child")
    assert is_running(pid)
    os.kill(pid, 9)
    os.kill(await written_in(tmp_path / "grandchild"), 9)
