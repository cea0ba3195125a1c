"""MQTT 3.1.1 with QoS 1 and persistent sessions: a room is a topic, a device a session. Each
delivery is acknowledged: there is no other way."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from tests.bench.subject import Tally, stamped_at

_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9


def _text(value: str) -> bytes:
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def _packet(head: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while True:
        size, low = size >> 7, size & 0x7F
        length.append(low | (0x80 if size else 0))
        if not size:
            return bytes((head, *length)) + body


class _Session(asyncio.Protocol):
    """One connection: connects, then hands over each packet's type, flags and body."""

    def __init__(
        self, name: str, on_packets: Callable[["_Session", list[tuple[int, int, bytes]]], None]
    ) -> None:
        self._name = name
        self._on_packets = on_packets
        self._rest = b""
        self.ready = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # No clean session: what comes while the device is away is kept for it. No keep-alive:
        # nothing here is quiet for long.
        self.transport.write(
            _packet(0x10, _text("MQTT") + bytes((4, 0)) + (0).to_bytes(2, "big") + _text(self._name))
        )

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        at, packets = 0, []
        while at + 2 <= len(data):
            size, shift, end = 0, 0, at + 1
            while end < len(data):
                size |= (data[end] & 0x7F) << shift
                shift += 7
                end += 1
                if data[end - 1] < 0x80:
                    break
            else:
                break
            if end + size > len(data):
                break
            packets.append((data[at] >> 4, data[at] & 0x0F, data[end : end + size]))
            at = end + size
        self._rest = data[at:]
        if packets and packets[0][0] in (_CONNACK, _SUBACK):
            if packets[0][0] == _CONNACK and packets[0][2][1]:
                raise RuntimeError(f"the broker refused the connection: {packets[0][2][1]}")
            self.ready.set()
            packets = packets[1:]
        if packets:
            self._on_packets(self, packets)


class MqttReceivers:
    """A session for each member, subscribed to all its rooms."""

    def __init__(self, port: int, tally: Tally) -> None:
        self._port = port
        self._tally = tally
        self._sessions: list[_Session] = []
        self._last = b""
        self._stamp = 0.0

    async def open(self, rooms: Mapping[str, Sequence[str]]) -> "MqttReceivers":
        of_member: dict[str, list[str]] = {}
        for room, members in rooms.items():
            for member in members:
                of_member.setdefault(member, []).append(room)
        for index, (member, mine) in enumerate(of_member.items()):
            session = await connect(self._port, member, self._reader(index))
            self._sessions.append(session)
            session.ready.clear()
            session.transport.write(
                _packet(0x82, (1).to_bytes(2, "big") + b"".join(_text(room) + b"\x01" for room in mine))
            )
        for session in self._sessions:
            await session.ready.wait()
        return self

    def _reader(self, index: int) -> Callable[[_Session, list[tuple[int, int, bytes]]], None]:
        tally = self._tally

        def on_packets(session: _Session, packets: list[tuple[int, int, bytes]]) -> None:
            acks, stamps = [], []
            for kind, _, body in packets:
                if kind != _PUBLISH:
                    continue
                end = 2 + int.from_bytes(body[:2], "big")
                acks.append(b"\x40\x02" + body[end : end + 2])
                payload = body[end + 2 :]
                if payload != self._last:
                    self._last, self._stamp = payload, stamped_at(payload)
                stamps.append(self._stamp)
            session.transport.write(b"".join(acks))
            tally.count(index, stamps)

        return on_packets

    def close(self) -> None:
        for session in self._sessions:
            session.transport.close()


class MqttSender:
    """Publishes with QoS 1; the broker's PUBACK is the ack."""

    def __init__(self, on_ack: Callable[[object], None]) -> None:
        self._on_ack = on_ack
        self._waiting: dict[bytes, object] = {}
        self._number = 0

    async def open(self, port: int) -> "MqttSender":
        self._session = await connect(port, "sender", self._on_packets)
        return self

    def send(self, room: str, body: bytes, tag: object) -> None:
        self._number = self._number % 65_535 + 1
        number = self._number.to_bytes(2, "big")
        self._waiting[number] = tag
        self._session.transport.write(_packet(0x32, _text(room) + number + body))

    def _on_packets(self, session: _Session, packets: list[tuple[int, int, bytes]]) -> None:
        for kind, _, body in packets:
            if kind == _PUBACK:
                self._on_ack(self._waiting.pop(body[:2]))

    def close(self) -> None:
        self._session.transport.close()


async def connect(
    port: int, name: str, on_packets: Callable[[_Session, list[tuple[int, int, bytes]]], None]
) -> _Session:
    """A session that the broker has accepted."""
    loop = asyncio.get_running_loop()
    _, session = await loop.create_connection(lambda: _Session(name, on_packets), "127.0.0.1", port)
    async with asyncio.timeout(10):
        await session.ready.wait()
    return session
