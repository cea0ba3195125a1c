"""Devices on server-sent events, as EventSource reads them. The gateway acknowledges for them, when
their machine has received."""

import asyncio
import json
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

from chatd.pb.gateway.v1.gateway_pb2 import Hello
from tests.bench.wires.wire import Arrived, OnMessages, Wire, stamp_in

_DATA = b"\ndata: "
_END = b"\n\n"


class EventStreamDevice(asyncio.Protocol):
    def __init__(self, on_messages: OnMessages) -> None:
        self._on_messages = on_messages
        self._rest = b""  # of the response's bytes
        self._text = b""  # of the event that has begun
        self._is_open = False
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self, uri: str, hello: Hello) -> None:
        at = urlsplit(uri)
        self._request = (
            f"GET /v1/devices/{hello.device_id}/events?start=head HTTP/1.1\r\nHost: {at.netloc}\r\n"
            f"Authorization: Bearer {hello.token}\r\nChatd-Profile: {hello.profile_id}\r\n"
            "Accept: text/event-stream\r\n\r\n"
        ).encode()
        await asyncio.get_running_loop().create_connection(lambda: self, at.hostname or "", at.port or 0)
        await self._ready

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ready.done():
            self._ready.set_exception(exc or ConnectionResetError("the gateway hung up"))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0
        if not self._is_open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"the gateway refused: {data!r}")
            self._is_open, at = True, end + 4
            self._ready.set_result(None)
        text = [self._text]
        while (line := data.find(b"\r\n", at)) >= 0:
            start = line + 2
            end = start + int(data[at:line], 16)
            if end + 2 > len(data):
                break
            text.append(data[start:end])
            at = end + 2
        self._rest = data[at:]
        events = b"".join(text).split(_END)
        self._text = events.pop()
        messages = [event.partition(_DATA)[2] for event in events if _DATA in event]
        if messages:
            self._on_messages(messages)

    def ack(self, up_to: int) -> None:
        """The gateway sees it itself."""

    def heartbeat(self) -> None:
        """The gateway sees that the device reads."""

    def close(self) -> None:
        self._transport.close()


@lru_cache(1_024)  # the events of one turn come to one device after the other
def _parse(data: bytes) -> Arrived:
    said = json.loads(data)
    if "error" in said:
        raise RuntimeError(f"the gateway refused: {said}")
    if "event" in said or "payload" in said:
        return Arrived((stamp_in(said),))
    return Arrived((), is_caught_up=not said)


EVENT_STREAM = Wire(EventStreamDevice, _parse)
