"""Questions: one user asks for as many pages of a history as he may, over many connections. Another
one is answered in turn, and devices get what they are owed."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatd.pb.chat.v1.chat_pb2 import CreateRoomRequest, GetHistoryRequest, SendEventsRequest
from tests.daemons import Daemon
from tests.protocol.conversation import event
from tests.protocol.limited import daemon_with_users, token_of
from tests.raw_peer import RawPeer
from tests.system.device_port.bystander import Bystander

log = logging.getLogger(__name__)
CONNECTIONS = 20
PAGES = 64
P99_SECONDS = 1.5


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("chatd")
    with daemon_with_users(folder, ["ann", "ben"], {}) as running:
        with RawPeer(running.uri, token_of("ben")) as ben:
            ben.call("ChatService/CreateRoom", CreateRoomRequest(room_id="r"))
            for number in range(20):
                request = SendEventsRequest(events=[event("r", "x" * 50_000, id_=f"e{number}")])
                assert not ben.call("ChatService/SendEvents", request).HasField("error")
        yield running


def ask(uri: str, stop: threading.Event) -> None:
    """Ask for pages and read them, all the time."""
    with RawPeer(uri, token_of("ben")) as peer:
        page = peer.encoded_call("ChatService/GetHistory", GetHistoryRequest(room_id="r", limit=500))
        peer.socket.sendall(page * PAGES)
        while not stop.is_set():
            peer.hear_message()
            peer.socket.sendall(page)


def test_another_user_is_answered_in_turn(daemon: Daemon) -> None:
    stop = threading.Event()
    with ExitStack() as stack:
        ann = stack.enter_context(Bystander(daemon.uri, token_of("ann")))
        quiet = ann.p99(1)
        for _ in range(CONNECTIONS):
            thread = threading.Thread(target=ask, args=(daemon.uri, stop), daemon=True)
            thread.start()
            stack.callback(thread.join, 20)
        stack.callback(stop.set)
        beside = ann.p99(4)
    shown = f"p99 {1e3 * beside:.1f} ms beside, {1e3 * quiet:.1f} ms quiet"
    log.info(shown)
    assert beside < P99_SECONDS + 3 * quiet, shown
