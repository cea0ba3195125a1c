"""A daemon with users, and connections to it whose end is seen."""

import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import zmq
from zmq.utils.monitor import recv_monitor_message

from chatd.pb.chat.v1.chat_pb2 import SendEventsRequest
from chatd.pb.gateway.v1.gateway_pb2 import Error, RpcRequest
from tests.daemons import Daemon
from tests.protocol.conversation import Conversation, event

OPERATOR = "operators-token"


def token_of(user: str) -> str:
    return f"token-of-{user}"


def daemon_with_users(folder: Path, users: list[str], settings: Mapping[str, object]) -> Daemon:
    """Not started yet."""
    write_tokens(folder, users)
    return Daemon("all", folder, settings)


def write_tokens(folder: Path, users: Sequence[str]) -> None:
    """The users' tokens, and an operator's, where daemons in this folder look for them."""
    entries = [f'[tokens.{OPERATOR}]\nprofile = "operator"\nrole = "operator"\n']
    entries += [f'[tokens."{token_of(user)}"]\nprofile = "{user}"\n' for user in users]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.toml").write_text("".join(entries), encoding="utf-8")


class User(Conversation):
    """One of the daemon's users, on a connection from an address of loopback."""

    def __init__(self, daemon: Daemon, name: str, *, address: str = "127.0.0.1") -> None:
        host, port = daemon.uri.removeprefix("tcp://").split(":")
        super().__init__(f"tcp://{address}:0;{host}:{port}", token_of(name))
        self._prefix = uuid.uuid4().hex
        self._monitor: zmq.Socket[bytes] = self.socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED
        )

    def __enter__(self) -> "User":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.disable_monitor()
        super().__exit__()

    def _event(self, kind: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._monitor.poll(int(left * 1000)):
            if recv_monitor_message(self._monitor)["event"] == kind:
                return True
        return False

    def has_connected(self) -> bool:
        return self._event(zmq.EVENT_HANDSHAKE_SUCCEEDED, 15)

    def is_disconnected(self, seconds: float = 15) -> bool:
        """Whether the connection ends within so many seconds."""
        return self._event(zmq.EVENT_DISCONNECTED, seconds)

    def begin_sending(
        self, room: str, *, calls: int, events: int = 1, size: int = 1, token: str | None = None
    ) -> None:
        """C: so many calls of so many events with so many bytes of text, without waiting for
        answers."""
        for _ in range(calls):
            number = next(self._ids)
            request = SendEventsRequest(
                events=[
                    event(room, "x" * size, id_=f"{self._prefix}-{number}-{index}") for index in range(events)
                ],
            )
            call = RpcRequest(
                call_id=number,
                method="ChatService/SendEvents",
                payload=request.SerializeToString(),
                token=self.token if token is None else token,
                affinity=room,
            )
            self.say(call=call)

    def outcomes(self, calls: int) -> tuple[int, list[Error]]:
        """S: the answers to so many calls: how many were stored, and what the others were refused
        with."""
        replies = [self.hear_kind("reply") for _ in range(calls)]
        errors = [reply.error for reply in replies if reply.HasField("error")]
        return calls - len(errors), errors
