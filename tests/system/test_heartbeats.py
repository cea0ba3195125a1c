"""Both sides notice when the other's process stands still, though its host answers; and nobody who
is only quiet is dropped."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from chatd.client import HEAD, Client, StreamState
from chatd.pb.admin.v1.admin_pb2 import GetStatusRequest, GetStatusResponse
from tests.protocol.conversation import Conversation
from tests.system.deployment import Deployment

INTERVAL_MS = 400
DEVICE = """
import asyncio, sys
from chatd.client import HEAD, Client

async def main():
    async with Client(sys.argv[1], sys.argv[2], profile="bob") as client, client.stream("d", start=HEAD) as stream:
        async for delivery in stream:
            print(delivery.text, flush=True)

asyncio.run(main())
"""


def online(operator: Conversation) -> int:
    reply = operator.request("AdminService/GetStatus", GetStatusRequest())
    return GetStatusResponse.FromString(reply.payload).devices_online


def wait_for_online(operator: Conversation, count: int, seconds: float) -> float:
    """The seconds that it took."""
    started = time.monotonic()
    while (found := online(operator)) != count:
        assert time.monotonic() - started < seconds, f"{found} devices online, {count} expected"
        time.sleep(0.02)
    return time.monotonic() - started


def test_a_stopped_device_is_noticed_and_resumes(tmp_path: Path) -> None:
    """SIGSTOP: its kernel goes on answering for it, libzmq's own heartbeats are of another thread
    that stands still too."""
    uri = f"sqlite:///{tmp_path}/chatd.db"
    with (
        Deployment(tmp_path, uri, defaults=0, gateways=0, HEARTBEAT_INTERVAL_MS=INTERVAL_MS) as deployment,
        Conversation(deployment.uri(), deployment.token, "alice") as alice,
    ):
        alice.create_room("r", "bob")
        command = [sys.executable, "-c", DEVICE, deployment.uri(), deployment.token]
        device = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert device.stdout is not None
            wait_for_online(alice, 1, 20)
            os.kill(device.pid, signal.SIGSTOP)
            took = wait_for_online(alice, 0, 20)
            assert took > 2 * INTERVAL_MS / 1000, "three intervals have not passed"
            (seq,) = alice.send_texts("r", "while it slept")
            os.kill(device.pid, signal.SIGCONT)
            assert seq == 2
            for line in device.stdout:
                if line == "while it slept\n":
                    break
            else:
                raise AssertionError("the device has ended")
        finally:
            device.kill()
            device.wait()
            if device.stdout is not None:
                device.stdout.close()


async def test_a_stopped_gateway_is_noticed_and_another_one_serves(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/chatd.db"
    with Deployment(tmp_path, uri, defaults=1, gateways=2, HEARTBEAT_INTERVAL_MS=INTERVAL_MS) as deployment:
        async with (
            Client([deployment.uri(0), deployment.uri(1)], deployment.token, profile="bob") as bob,
            Client(deployment.uri(1), deployment.token, profile="alice") as alice,
        ):
            await alice.create_room("r", profiles=["bob"])
            async with bob.stream("d", start=HEAD) as stream:
                await stream.caught_up()
                first = deployment.gateways[0]
                os.kill(first.pid, signal.SIGSTOP)
                try:
                    sent = await alice.send("r", "hello")
                    async with asyncio.timeout(20):
                        async for delivery in stream:
                            if delivery.seq == sent.seq:
                                break
                    assert stream.state is not StreamState.CONNECTING
                finally:
                    os.kill(first.pid, signal.SIGCONT)


async def test_quiet_devices_are_never_dropped(tmp_path: Path) -> None:
    """Nothing but heartbeats for twenty intervals: no state changes."""
    uri = f"sqlite:///{tmp_path}/chatd.db"
    with Deployment(tmp_path, uri, defaults=0, gateways=0, HEARTBEAT_INTERVAL_MS=INTERVAL_MS) as deployment:
        states: list[StreamState] = []
        async with (
            Client(deployment.uri(), deployment.token, profile="bob") as bob,
            bob.stream("d", on_state=lambda state, _: states.append(state), start=HEAD) as stream,
        ):
            await stream.caught_up()
            epoch = stream.epoch
            states.clear()
            await asyncio.sleep(20 * INTERVAL_MS / 1000)
            assert states == []
            assert stream.epoch == epoch
