"""StreamHello: the frame with which each connection of a stream begins."""

import time

from chatd.client.resume import Resume
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, Hello


class StreamHello:
    """``hello`` is the same for all connections, but for the fields that are set here."""

    def __init__(self, hello: Hello, resume: Resume) -> None:
        self._frame = ClientFrame(hello=hello)
        self._resume = resume
        self._ordinal = 0
        self.token = ""
        """The newest that was said, here or in the stream."""
        self.is_overtaken = False
        """True if a Hello with a higher ordinal has come before: the clock was turned back, or
        another machine's is ahead. The next one has none."""

    def frame(self, number: int, token: str) -> ClientFrame:
        """For the connection of this number."""
        self.token = token
        hello = self._frame.hello
        hello.hello_id = number
        hello.token = token
        hello.ClearField("shown")
        newest = self._resume.newest
        if newest is not None:
            hello.shown.CopyFrom(newest)
        self._ordinal = max(self._ordinal + 1, time.time_ns() // 1_000_000)
        hello.ordinal = 0 if self.is_overtaken else self._ordinal
        return self._frame
