"""Every counter that any part declares is shown by status, and moves when the thing that it counts
happens."""

import re
import time
from pathlib import Path
from typing import Any

import chatd
from chatd.pb.admin.v1.admin_pb2 import GetStatusRequest, GetStatusResponse
from chatd.pb.chat.v1.chat_pb2 import WatchPresenceRequest
from chatd.pb.events.v1.signals_pb2 import PresenceState
from chatd.pb.gateway.v1.gateway_pb2 import RpcRequest, SetPresence
from tests.protocol.conversation import Conversation
from tests.system.deployment import Deployment

DECLARED = re.compile(r'\bCounter\(\s*"(\w+)"')
MOVED_ELSEWHERE = {
    "events_purged": "tests/system/test_retention.py",
    "devices_expired": "tests/system/test_retention.py",
    "devices_replaced": "tests/protocol/test_device_limit.py",
    "orphans_deleted": "tests/default/retention/test_orphans.py",
    "peers_refused": "tests/default/nodes/test_known_peers.py",
    "queue_repairs": "tests/system/test_queue_losses.py",
    "topics_refused": "tests/transport/queue/test_subscriptions.py",
    "queue_messages_dropped": "tests/transport/queue/test_broker.py",
    "signals_dropped": "tests/default/signals/test_signals.py",
    "notifications_sent": "tests/default/notifications/test_daemons.py",
    "notifications_failed": "tests/default/notifications/test_daemons.py",
    "notifications_dead": "tests/default/notifications/test_daemons.py",
}


def declared() -> dict[str, set[str]]:
    """Counters by the package of the part that declares them."""
    found: dict[str, set[str]] = {}
    root = Path(chatd.__file__).parent
    for file in root.rglob("*.py"):
        found.setdefault(file.relative_to(root).parts[0], set()).update(DECLARED.findall(file.read_text()))
    return {package: names for package, names in found.items() if names}


def status(operator: Conversation) -> GetStatusResponse:
    return GetStatusResponse.FromString(
        operator.request("AdminService/GetStatus", GetStatusRequest()).payload
    )


def shown(found: GetStatusResponse) -> dict[str, int]:
    """Counters of the node and of its one gateway."""
    (gateway,) = found.gateways
    node = {
        field.name: getattr(found, field.name)
        for field in found.DESCRIPTOR.fields
        if field.name != "gateways"
    }
    return node | dict(gateway.counters)


def test_every_counter_is_shown_and_moves(tmp_path: Path) -> None:
    packages = declared()
    gateways = packages.pop("gateway")
    nodes = set().union(*packages.values())
    settings: dict[str, Any] = {"PRESENCE_SETTLE_MS": 50, "MAX_FAILED_AUTHENTICATIONS": 2, "SEARCH": "true"}
    with (
        Deployment(tmp_path, f"sqlite:///{tmp_path}/c.db", defaults=1, gateways=1, **settings) as deployment,
        Conversation(deployment.uri(), deployment.token, "alice") as operator,
        Conversation(deployment.uri(), deployment.token, "alice") as alice,
        Conversation(deployment.uri(), deployment.token, "bob") as bob,
        Conversation(deployment.uri(), "wrong") as stranger,
    ):
        before = status(operator)
        assert [(one.gateway_id, one.uri) for one in before.gateways] == [("gateway0", deployment.uri())]
        assert set(before.gateways[0].counters) == gateways
        assert nodes <= {field.name for field in before.DESCRIPTOR.fields}
        assert shown(before)["streams_opened"] == 0

        operator.create_room("r", "bob")
        bob.send_texts("r", "here")  # else nobody is shown his presence
        alice.open("a", want_signals=True)
        watch = WatchPresenceRequest(profile_ids=["bob"])
        alice.say(
            call=RpcRequest(call_id=1, method="ChatService/WatchPresence", payload=watch.SerializeToString())
        )
        bob.ack(1)
        assert bob.hear_kind("closed").error.name == "NO_STREAM"
        bob.open("b", want_signals=True)
        delivered, turn, end = 0, 0, time.monotonic() + 30
        while True:
            turn += 1
            operator.send_texts("r", f"{turn}")  # pulled at first; published when the stream is live
            bob.say(presence=SetPresence(state=PresenceState.PRESENCE_STATE_AWAY))
            frame = bob.hear()
            while not frame.deliveries:
                frame = bob.hear()
            delivered += len(frame.deliveries)
            bob.ack(delivered)
            assert operator.refused("AdminService/Nothing", b"")
            for _ in range(2):
                stranger.say(call=RpcRequest(call_id=1, method="ChatService/GetRoom", token="wrong"))
            now = shown(status(operator))
            still = {name for name in (gateways | nodes) - MOVED_ELSEWHERE.keys() if not now[name]}
            if not still:
                break
            assert time.monotonic() < end, f"has not moved: {still}"
            time.sleep(0.2)
        assert all(Path(file).exists() for file in MOVED_ELSEWHERE.values())
