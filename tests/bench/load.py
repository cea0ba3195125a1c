"""The load tool: many devices in one process, as lean as Python allows, so that what is measured is the daemon.

A frame that many devices get is parsed once; latencies are taken from every tenth device.
"""

import asyncio
import time
from array import array
from dataclasses import dataclass

from google.protobuf.struct_pb2 import Struct

from chatd.pb.chat.v1.chat_pb2 import RoomEvent, SendEventsRequest
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.pb.gateway.v1.gateway_pb2 import Ack, ClientFrame, Heartbeat, Hello, RpcRequest, ServerFrame
from chatd.transport.pump import PeerFull, Pump
from chatd.transport.sockets import Context, connect_dealer

ACK_EVERY = 16
ACK_SECONDS = 0.05


@dataclass(slots=True)
class Frame:
    """What the last distinct frame held."""

    data: bytes = b""
    count: int = 0
    sent: tuple[float, ...] = ()


class Devices:
    """``names``: (profile, device). Counts deliveries; acks every 16 and every 50 ms."""

    def __init__(self, context: Context, uri: str, token: str, names: list[tuple[str, str]], *, window: int = 1024) -> None:
        self._loop = asyncio.get_running_loop()
        self.deliveries = 0
        self.latencies = array("d")
        self.sent_at: dict[str, float] = {}
        self.opened = 0
        self.caught_up = 0
        self._last = Frame()
        self._counts = [0] * len(names)
        self._acked = [0] * len(names)
        self._token = token
        self._window = window
        self._names = names
        self.pumps = [Pump(self._loop, connect_dealer(context, uri), self._reader(index)) for index in range(len(names))]

    async def open(self) -> None:
        """Say Hello on every connection; returns when all have caught up."""
        for index, (profile, device) in enumerate(self._names):
            hello = Hello(
                token=self._token, profile_id=profile, device_id=device, window_messages=self._window, window_bytes=4 << 20, version=1
            )
            frame = ClientFrame(hello=hello).SerializeToString()
            while True:
                try:
                    self.pumps[index].send((frame,))
                    break
                except PeerFull:
                    await asyncio.sleep(0.002)
        while self.caught_up < len(self._names):
            await asyncio.sleep(0.01)
        self._timer = self._loop.call_later(ACK_SECONDS, self._ack_all)

    def _reader(self, index: int):  # type: ignore[no-untyped-def]
        def on_batch(batch: list[list[bytes]]) -> None:
            now = time.perf_counter()
            for frames in batch:
                data = frames[-1]
                last = self._last
                if data != last.data:
                    last = self._parse(data)
                if last.count:
                    self._counts[index] += last.count
                    self.deliveries += last.count
                    if index % 10 == 0:
                        self.latencies.extend([now - sent for sent in last.sent])
            if self._counts[index] - self._acked[index] >= ACK_EVERY:
                self._ack(index)

        return on_batch

    def _parse(self, data: bytes) -> Frame:
        frame = ServerFrame.FromString(data)
        if frame.HasField("welcome"):
            self.opened += 1
        elif frame.HasField("caught_up"):
            self.caught_up += 1
        elif frame.HasField("closed") or frame.HasField("error"):
            raise RuntimeError(f"the gateway refused: {frame}")
        if not frame.deliveries:
            return Frame()
        known = self.sent_at
        sent = tuple(known[one.event.event_id] for one in frame.deliveries if one.event.event_id in known)
        self._last = Frame(data, len(frame.deliveries), sent)
        return self._last

    def _ack(self, index: int) -> None:
        self._acked[index] = self._counts[index]
        self.pumps[index].send((ClientFrame(ack=Ack(up_to=self._counts[index])).SerializeToString(),))

    def _ack_all(self) -> None:
        for index, count in enumerate(self._counts):
            if count > self._acked[index]:
                self._ack(index)
        self._timer = self._loop.call_later(ACK_SECONDS, self._ack_all)

    def heartbeat(self) -> None:
        frame = ClientFrame(heartbeat=Heartbeat()).SerializeToString()
        for pump in self.pumps:
            pump.send((frame,))

    def close(self) -> None:
        self._timer.cancel()
        for pump in self.pumps:
            pump.close()


class Sender:
    """Keeps ``in_flight`` sends of one event under way on one connection; each ack starts the next."""

    def __init__(self, context: Context, uri: str, token: str, profile: str, room: str, *, body: int, in_flight: int) -> None:
        self._pump = Pump(asyncio.get_running_loop(), connect_dealer(context, uri), self._on_batch)
        self._token = token
        self._profile = profile
        self._room = room
        self._payload = Struct()
        self._payload["text"] = "x" * body
        self._in_flight = in_flight
        self._number = 0
        self._prefix = f"{time.time_ns():x}-"
        self.sent_at: dict[str, float] = {}
        self.acked = 0
        self.ack_latencies = array("d")
        self.running = False
        self._started: dict[int, float] = {}

    async def connected(self) -> None:
        while not self._pump.is_writable:
            await asyncio.sleep(0.002)

    async def start(self) -> None:
        self.running = True
        for _ in range(self._in_flight):
            while True:
                try:
                    self.send()
                    break
                except PeerFull:
                    await asyncio.sleep(0.002)

    def send(self) -> None:
        """One more."""
        number = self._number
        event_id = f"{self._prefix}{number}"
        event = RoomEvent(event_id=event_id, room_id=self._room, type=EventType.EVENT_TYPE_MESSAGE, payload=self._payload)
        call = RpcRequest(
            call_id=number,
            method="ChatService/SendEvents",
            payload=SendEventsRequest(events=[event]).SerializeToString(),
            token=self._token,
            profile_id=self._profile,
            affinity=self._room,
        )
        self._pump.send((ClientFrame(call=call).SerializeToString(),))
        self._number += 1
        self.sent_at[event_id] = self._started[number] = time.perf_counter()

    def _on_batch(self, batch: list[list[bytes]]) -> None:
        now = time.perf_counter()
        for frames in batch:
            reply = ServerFrame.FromString(frames[-1]).reply
            if reply.HasField("error"):
                raise RuntimeError(f"a send was refused: {reply.error}")
            self.acked += 1
            self.ack_latencies.append(now - self._started.pop(reply.call_id))
            if self.running:
                self.send()

    def close(self) -> None:
        self._pump.close()
