"""Several gateways at one tcp:// address: each keeps a core busy, and one that stops sends its
devices to the others."""

import asyncio
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from chatd.client import HEAD, Client
from chatd.pb.admin.v1.admin_pb2 import (
    DrainProcessRequest,
    ListConnectionsRequest,
    ListConnectionsResponse,
    ResumeProcessRequest,
)
from tests.daemon.test_process import chatd
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation
from tests.system.deployment import Deployment

DEVICES = 24
EVENTS = 40


class Shared(Deployment):
    """Two gateways at one address."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder,
            f"sqlite:///{folder}/chatd.db",
            defaults=1,
            gateways=2,
            GATEWAY_SHARE_PORT="true",
            GATEWAY_URI=self.address_in(folder),
        )

    @staticmethod
    def address_in(folder: Path) -> str:
        return Daemon("gateway", folder).uri


def by_gateway(uri: str, token: str) -> dict[str, int]:
    """Streams that each gateway has."""
    with Conversation(uri, token) as operator:
        reply = operator.request("AdminService/ListConnections", ListConnectionsRequest(limit=1_000))
    found: dict[str, int] = {}
    for one in ListConnectionsResponse.FromString(reply.payload).connections:
        found[one.gateway_id] = found.get(one.gateway_id, 0) + 1
    return found


async def test_two_gateways_at_one_address(tmp_path: Path) -> None:
    with Shared(tmp_path) as deployment:
        uri = deployment.gateways[0].settings["GATEWAY_URI"]
        token = deployment.token
        shown: dict[str, list[int]] = {f"device{number}": [] for number in range(DEVICES)}

        async def show(client: Client, device: str) -> None:
            async with client.stream(device, start=HEAD) as stream:
                async for delivery in stream:
                    shown[device].append(delivery.seq)

        async with Client(uri, token, profile="alice", call_timeout=20) as alice:
            await alice.create_room("r")
            clients = [Client(uri, token, profile="alice") for _ in shown]
            showing = [
                asyncio.create_task(show(client, device))
                for client, device in zip(clients, shown, strict=True)
            ]
            deadline = time.monotonic() + 20
            while sum((streams := by_gateway(uri, token)).values()) < DEVICES:
                assert time.monotonic() < deadline, streams
                await asyncio.sleep(0.1)
            assert len(streams) == 2, "the kernel gives both their share"
            seqs = [(await alice.send("r", f"{number}")).seq for number in range(EVENTS // 2)]
            stopped = time.monotonic()
            stopping = asyncio.create_task(asyncio.to_thread(deployment.gateways[1].stop))
            for number in range(EVENTS // 2, EVENTS):
                seqs.append((await alice.send("r", f"{number}")).seq)
                await asyncio.sleep(0.02)
            assert await stopping == 0
            while any(one[-1:] != seqs[-1:] for one in shown.values()):
                assert time.monotonic() < stopped + 20, {device: len(one) for device, one in shown.items()}
                await asyncio.sleep(0.05)
            assert all(one == seqs for one in shown.values())
            assert by_gateway(uri, token) == {"gateway0": DEVICES}
            for task in showing:
                task.cancel()
            await asyncio.gather(*showing, return_exceptions=True)
            for client in clients:
                client.close()


def test_a_drained_gateway_leaves_the_port_to_the_others(tmp_path: Path) -> None:
    with Shared(tmp_path) as deployment:
        uri, token = deployment.gateways[0].settings["GATEWAY_URI"], deployment.token

        def found() -> set[str]:
            """The gateways that take a dozen newcomers; empty for one that sends them away."""
            gateways = set()
            for number in range(12):
                with Conversation(uri, token) as newcomer:
                    newcomer.hello(f"newcomer{number}")
                    frame = newcomer.hear()
                    gateways.add(frame.welcome.gateway_id)
            return gateways

        def until(wanted: set[str]) -> None:
            deadline = time.monotonic() + 30
            while found() != wanted:
                assert time.monotonic() < deadline

        until({"gateway0", "gateway1"})
        with Conversation(uri, token) as operator:
            drain = DrainProcessRequest(gateway_id="gateway1")
            assert not operator.request("AdminService/DrainProcess", drain).HasField("error")
            for _ in range(3):
                assert found() == {"gateway0"}
            resume = ResumeProcessRequest(gateway_id="gateway1")
            assert not operator.request("AdminService/ResumeProcess", resume).HasField("error")
        until({"gateway0", "gateway1"})


def test_a_port_is_not_shared_with_one_who_did_not_say_so(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(Daemon("all", tmp_path / "first"))
        for share in ("false", "true"):
            settings = {"GATEWAY_URI": first.uri, "GATEWAY_SHARE_PORT": share}
            second = Daemon("all", tmp_path / f"second-{share}", settings)
            done: subprocess.CompletedProcess[str] = chatd("all", **second.settings)
            assert done.returncode == 1, done.stderr
            assert f"cannot bind {first.uri}: Address already in use" in done.stderr
