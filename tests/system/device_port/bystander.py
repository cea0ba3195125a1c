"""Another user, who calls while somebody attacks."""

import time
from types import TracebackType
from typing import Self

from tests.bench.measure import percentile
from tests.raw_peer import RawPeer

PAUSE = 0.002


class Bystander:
    """A device with a stream, so that nobody comes before it, which calls again and again."""

    def __init__(self, uri: str, token: str) -> None:
        self._peer = RawPeer(uri, token)
        self._peer.hello("bystander")
        self._peer.hear_until("caught_up")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._peer.__exit__()

    def p99(self, seconds: float) -> float:
        """Seconds that its calls take, of those of so many seconds. Raises TimeoutError if one is
        not answered at all."""
        took = []
        end = time.monotonic() + seconds
        while (began := time.monotonic()) < end:
            self._peer.socket.sendall(self._peer.encoded_call("ChatService/ListUnread", token=""))
            self._peer.hear_until("reply")
            took.append(time.monotonic() - began)
            time.sleep(PAUSE)
        return percentile(sorted(took), 0.99)
