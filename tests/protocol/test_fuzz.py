"""Anything at all on every decoder's doorstep: a refusal, never a crash, and the next client is
served as if nothing had been."""

import random
from pathlib import Path

import pytest
import zmq

from chatd.core import node_protocol
from chatd.core.ids import split_topic
from chatd.core.scopes import ALL_SCOPES, scopes_to_pb
from chatd.core.wire import split_queue_body
from chatd.pb.gateway.v1.gateway_pb2 import Ack, ClientFrame, Hello, Reject, RpcRequest
from chatd.pb.node.v1.node_pb2 import Caller, NodeRequest, Role
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation

OPERATOR = Caller(profile_id="alice", role=Role.ROLE_OPERATOR, scopes=scopes_to_pb(ALL_SCOPES))
METHODS = [
    "ChatService/SendEvents",
    "ChatService/CreateRoom",
    "ChatService/GetHistory",
    "AdminService/ListOutbox",
    "AdminService/ListDeadLetters",
    "AdminService/ReplayDeadLetters",
    "AdminService/PurgeRoomHistory",
    "AdminService/EraseProfile",
    "NodeService/AckBatch",
    "NodeService/PullOutbox",
    "NodeService/OpenStreams",
    "NodeService/Describe",
    "No/Such",
]


def mutated(frame: bytes, dice: random.Random) -> bytes:
    """A frame with a few bytes changed, cut off, or put in."""
    data = bytearray(frame)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0 if data:
                data[place % len(data)] = dice.randrange(256)
            case 1:
                data[place:place] = dice.randbytes(dice.randint(1, 8))
            case 2:
                del data[place : place + dice.randint(1, 8)]
            case _:
                data = data[:place]
    return bytes(data)


def well_formed(dice: random.Random, token: str) -> bytes:
    kind = dice.choice(
        [
            ClientFrame(
                hello=Hello(
                    token=token,
                    profile_id="p",
                    device_id="d",
                    version=1,
                    window_messages=dice.randrange(2**32),
                )
            ),
            ClientFrame(ack=Ack(up_to=dice.randrange(2**64))),
            ClientFrame(reject=Reject(delivery=dice.randrange(2**64), reason="\x1b[31m")),
            ClientFrame(
                call=RpcRequest(
                    call_id=1, method=dice.choice(METHODS), payload=dice.randbytes(20), token=token
                )
            ),
        ]
    )
    return kind.SerializeToString()


@pytest.fixture
def daemons(tmp_path: Path) -> tuple[Daemon, Daemon]:
    settings = {
        "DEFAULT_URI": f"ipc://{tmp_path}/call",
        "QUEUE_USER_EVENT_DELIVERY_URI": f"ipc://{tmp_path}/queue",
    }
    return Daemon("default", tmp_path, settings), Daemon("gateway", tmp_path, settings)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_gateway_and_its_node_survive_anything(
    daemons: tuple[Daemon, Daemon], tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    default, gateway = daemons
    with default, gateway:
        token = operator_token(tmp_path)
        with Conversation(gateway.uri, token, "alice") as alice:
            alice.create_room("r", "bob")
            with Conversation(gateway.uri, token, "mallory") as mallory:
                for _ in range(1_500):
                    frame = well_formed(dice, token)
                    mallory.send_raw(
                        *[mutated(frame, dice) if dice.random() < 0.7 else frame] * dice.choice([1, 1, 1, 2])
                    )
                    if dice.random() < 0.2:
                        mallory.send_raw(dice.randbytes(dice.randint(0, 300)))
            context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
            node = context.socket(zmq.DEALER)
            node.linger = 1_000
            node.connect(f"ipc://{tmp_path}/call")
            for number in range(1_500):
                caller = OPERATOR if dice.random() < 0.7 else None
                request = NodeRequest(
                    call_id=number,
                    method=dice.choice(METHODS),
                    payload=dice.randbytes(dice.randint(0, 40)),
                    caller=caller,
                    protocol=node_protocol.NUMBER,
                )
                frame = request.SerializeToString()
                node.send(mutated(frame, dice) if dice.random() < 0.5 else frame)
            assert alice.send_texts("r", "still there") == [2]
            context.destroy(linger=0)
            alice.open("d")
        for daemon in daemons:
            assert daemon.process is not None
            assert daemon.process.poll() is None
            log = daemon.log.read_text(errors="replace")
            assert "Traceback" not in log
            assert "\x1b" not in log


def test_what_splits_bytes_takes_any() -> None:
    dice = random.Random(3)
    for _ in range(20_000):
        data = dice.randbytes(dice.randint(0, 30))
        split_topic(data)
        head, records = split_queue_body(data)
        assert len(head) + len(records) <= len(data)
