"""Hundreds of devices with small windows are owed large events, all at once: their answers do not
fit one frame. Everybody gets everything, and another user is served meanwhile."""

import signal
import time
from pathlib import Path

import zmq

from chatd.pb.chat.v1.chat_pb2 import AddRoomSubscriptionsRequest
from chatd.pb.gateway.v1.gateway_pb2 import Ack, ClientFrame, Hello, ServerFrame
from tests.protocol.conversation import Conversation, seqs
from tests.system.deployment import Deployment

DEVICES = 330
EVENTS = 3
TEXT = "x" * 60_000


class Devices:
    """Devices of as many profiles, each with a window that holds one event, on raw sockets."""

    def __init__(self, uri: str, token: str) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.profiles = [f"p{number}" for number in range(DEVICES)]
        self._sockets = []
        for profile in self.profiles:
            socket = self.context.socket(zmq.DEALER)
            socket.connect(uri)
            self._sockets.append(socket)
            hello = Hello(token=token, profile_id=profile, device_id="d", version=1, window_bytes=1024)
            self._say(socket, ClientFrame(hello=hello))

    def _say(self, socket: "zmq.Socket[bytes]", frame: ClientFrame) -> None:
        socket.send(frame.SerializeToString())

    def ack(self, up_to: int) -> None:
        for socket in self._sockets:
            self._say(socket, ClientFrame(ack=Ack(up_to=up_to)))

    def caught_up(self) -> None:
        for socket in self._sockets:
            while not self._hear(socket).HasField("caught_up"):
                continue

    def delivery(self) -> set[int]:
        """The seqs of one delivery to each."""
        found: set[int] = set()
        for socket in self._sockets:
            deliveries = self._hear(socket).deliveries
            while not deliveries:
                deliveries = self._hear(socket).deliveries
            assert len(deliveries) == 1
            found.update(seqs(deliveries))
        return found

    def _hear(self, socket: "zmq.Socket[bytes]") -> ServerFrame:
        assert socket.poll(30_000), "nothing heard in 30 s"
        return ServerFrame.FromString(socket.recv())

    def close(self) -> None:
        self.context.destroy(linger=0)


def test_answers_that_do_not_fit_one_frame(db_uri: str, tmp_path: Path) -> None:
    with (
        Deployment(
            tmp_path,
            db_uri,
            defaults=1,
            gateways=1,
            HEARTBEAT_INTERVAL_MS=600_000,
            DELIVERY_RETRY_MS=300_000,
            COMPRESS_MIN_BYTES=0,
        ) as deployment,
        Conversation(deployment.uri(), deployment.token, "alice") as alice,
        Conversation(deployment.uri(), deployment.token, "quiet") as quiet,
    ):
        devices = Devices(deployment.uri(), deployment.token)
        devices.caught_up()
        quiet.create_room("mine")
        alice.create_room("r")
        added = AddRoomSubscriptionsRequest(room_id="r", profile_ids=devices.profiles)
        assert not alice.request("ChatService/AddRoomSubscriptions", added).HasField("error")
        assert devices.delivery() == {2}
        for number in range(EVENTS):
            alice.send_texts("r", f"{number}{TEXT}")
        for number in range(EVENTS):
            # All acks are read in one turn of the gateway's loop, and make as many pulls.
            gateway = deployment.gateways[0].process
            assert gateway is not None
            gateway.send_signal(signal.SIGSTOP)
            devices.ack(number + 1)
            time.sleep(0.3)
            gateway.send_signal(signal.SIGCONT)
            assert quiet.send_texts("mine", f"{number}") == [number + 2]
            assert devices.delivery() == {number + 3}
        log = deployment.gateways[0].log.read_text()
        assert "was lost" not in log
        devices.close()
