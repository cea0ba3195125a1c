"""``exec``: the program gets the notification on its standard input and nothing of chatd's
environment."""

from pathlib import Path

from chatd.client import Client
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
