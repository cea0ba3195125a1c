"""NATS JetStream with file storage: a stream for all rooms, a durable push consumer for each member
and room; acks are cumulative ("ack all")."""

import asyncio
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tests.bench.peers.process import Server
from tests.bench.subject import ACK_EVERY, ACK_SECONDS, Tally, stamped_at
from tests.daemons import free_port

SETTINGS = """listen: 127.0.0.1:{port}
jetstream {{ store_dir: "{folder}" }}
max_payload: 1MB
"""
_WINDOW = 1024


class _Connection(asyncio.Protocol):
    """One connection; ``on_messages`` gets (subject, subscription, reply subject, payload) of all
    that has arrived at once."""

    def __init__(self, on_messages: Callable[[list[tuple[bytes, bytes, bytes, bytes]]], None]) -> None:
        self._on_messages = on_messages
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(
            b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1}\r\n'
        )

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        at, messages = 0, []
        while (end := data.find(b"\r\n", at)) >= 0:
            line = data[at:end]
            if line.startswith((b"MSG ", b"HMSG ")):
                words = line.split(b" ")
                size = int(words[-1])
                if end + 2 + size + 2 > len(data):
                    break
                body = data[end + 2 : end + 2 + size]
                replies = 5 if words[0] == b"MSG" else 6
                messages.append((words[1], words[2], words[3] if len(words) == replies else b"", body))
                at = end + 2 + size + 2
                continue
            if line == b"PING":
                self.transport.write(b"PONG\r\n")
            elif line.startswith(b"-ERR"):
                raise RuntimeError(f"nats-server: {line.decode(errors='replace')}")
            at = end + 2
        self._rest = data[at:]
        if messages:
            self._on_messages(messages)


async def connect(
    port: int, on_messages: Callable[[list[tuple[bytes, bytes, bytes, bytes]]], None]
) -> _Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: _Connection(on_messages), "127.0.0.1", port)
    return connection


class _Asker:
    """Requests to the JetStream API, one after the other."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] | None = None

    async def open(self, port: int) -> "_Asker":
        self._connection = await connect(port, self._on_messages)
        self._connection.transport.write(b"SUB _INBOX.asker 1\r\n")
        return self

    def _on_messages(self, messages: list[tuple[bytes, bytes, bytes, bytes]]) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(messages[-1][3])

    async def ask(self, subject: str, request: Mapping[str, Any]) -> None:
        """Raises RuntimeError with the server's complaint."""
        payload = json.dumps(request).encode()
        self._answer = asyncio.get_running_loop().create_future()
        self._connection.transport.write(
            b"PUB %b _INBOX.asker %d\r\n%b\r\n" % (subject.encode(), len(payload), payload)
        )
        async with asyncio.timeout(20):
            answer = json.loads(await self._answer)
        if "error" in answer:
            raise RuntimeError(f"JetStream: {answer['error']}")

    def close(self) -> None:
        self._connection.transport.close()


class _Device:
    """A member's connection. Cumulative acks go out for each of its consumers."""

    def __init__(self, index: int, tally: Tally, shared: "NatsReceivers") -> None:
        self._index = index
        self._tally = tally
        self._shared = shared
        self._unacked = 0
        self._replies: dict[bytes, bytes] = {}

    async def open(self, port: int, member: str, rooms: Sequence[str]) -> None:
        self.connection = await connect(port, self._on_messages)
        for number, room in enumerate(rooms):
            self.connection.transport.write(
                b"SUB deliver.%b.%b %d\r\n" % (room.encode(), member.encode(), number)
            )

    def _on_messages(self, messages: list[tuple[bytes, bytes, bytes, bytes]]) -> None:
        shared, stamps = self._shared, []
        for _, subscription, reply, body in messages:
            if body != shared.last:
                shared.last, shared.stamp = body, stamped_at(body)
            stamps.append(shared.stamp)
            self._replies[subscription] = reply
        self._tally.count(self._index, stamps)
        self._unacked += len(messages)
        if self._unacked >= ACK_EVERY:
            self.acknowledge()

    def acknowledge(self) -> None:
        if self._unacked:
            self.connection.transport.write(
                b"".join(b"PUB %b 4\r\n+ACK\r\n" % reply for reply in self._replies.values())
            )
            self._replies.clear()
            self._unacked = 0


class NatsReceivers:
    """A connection for each member, a consumer for each of its rooms."""

    def __init__(self, port: int, tally: Tally) -> None:
        self._port = port
        self._tally = tally
        self._devices: list[_Device] = []
        self.last = b""
        self.stamp = 0.0

    async def open(self, rooms: Mapping[str, Sequence[str]]) -> "NatsReceivers":
        of_member: dict[str, list[str]] = {}
        for room, members in rooms.items():
            for member in members:
                of_member.setdefault(member, []).append(room)
        asker = await _Asker().open(self._port)
        for index, (member, mine) in enumerate(of_member.items()):
            device = _Device(index, self._tally, self)
            await device.open(self._port, member, mine)
            self._devices.append(device)
            for room in mine:
                consumer = {
                    "durable_name": f"{member}-{room}",
                    "deliver_subject": f"deliver.{room}.{member}",
                    "filter_subject": f"room.{room}",
                    "deliver_policy": "new",
                    "ack_policy": "all",
                    "max_ack_pending": _WINDOW,
                }
                await asker.ask(
                    f"$JS.API.CONSUMER.DURABLE.CREATE.ROOMS.{member}-{room}",
                    {"stream_name": "ROOMS", "config": consumer},
                )
        asker.close()
        self._timer = asyncio.get_running_loop().call_later(ACK_SECONDS, self._acknowledge)
        return self

    def _acknowledge(self) -> None:
        for device in self._devices:
            device.acknowledge()
        self._timer = asyncio.get_running_loop().call_later(ACK_SECONDS, self._acknowledge)

    def close(self) -> None:
        self._timer.cancel()
        for device in self._devices:
            device.connection.transport.close()


class NatsSender:
    """Publishes with a reply subject of its own for each message; JetStream's answer is the ack."""

    def __init__(self, on_ack: Callable[[object], None]) -> None:
        self._on_ack = on_ack
        self._waiting: dict[bytes, object] = {}
        self._number = 0

    async def open(self, port: int) -> "NatsSender":
        self._connection = await connect(port, self._on_messages)
        self._connection.transport.write(b"SUB _INBOX.acks.* 1\r\n")
        return self

    def send(self, room: str, body: bytes, tag: object) -> None:
        self._number += 1
        reply = b"_INBOX.acks.%d" % self._number
        self._waiting[reply] = tag
        self._connection.transport.write(
            b"PUB room.%b %b %d\r\n%b\r\n" % (room.encode(), reply, len(body), body)
        )

    def _on_messages(self, messages: list[tuple[bytes, bytes, bytes, bytes]]) -> None:
        for subject, _, _, body in messages:
            if b'"error"' in body:
                raise RuntimeError(f"JetStream refused a message: {body!r}")
            self._on_ack(self._waiting.pop(subject))

    def close(self) -> None:
        self._connection.transport.close()


class JetStream:
    name = "nats-jetstream"
    promise = "in the page cache; fsync every 2 min"

    def start(self, folder: Path) -> str:
        program = shutil.which("nats-server") or "/usr/sbin/nats-server"
        self._port = free_port()
        settings = SETTINGS.format(port=self._port, folder=folder)
        (folder / "nats.conf").write_text(settings)
        self._server = Server([program, "-c", str(folder / "nats.conf")], self._port)
        return settings.replace(str(folder), "…")

    def stop(self) -> None:
        self._server.stop()

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"nats-server": [self._server.pid]}

    async def receivers(self, rooms: Mapping[str, Sequence[str]], tally: Tally) -> NatsReceivers:
        asker = await _Asker().open(self._port)
        await asker.ask(
            "$JS.API.STREAM.CREATE.ROOMS", {"name": "ROOMS", "subjects": ["room.*"], "storage": "file"}
        )
        asker.close()
        return await NatsReceivers(self._port, tally).open(rooms)

    async def sender(self, rooms: Sequence[str], on_ack: Callable[[object], None]) -> NatsSender:
        return await NatsSender(on_ack).open(self._port)
