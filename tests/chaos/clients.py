"""The clients of a chaos run: they send, show, crash and come back, and write down everything they
did and saw."""

import asyncio
import itertools
import random
import time
import zlib
from collections import defaultdict
from collections.abc import Callable

from chatd.client import Client, Delivery, Stream, message
from chatd.errors import ChatdError
from chatd.pb.chat.v1.chat_pb2 import (
    AddRoomSubscriptionsRequest,
    AddRoomSubscriptionsResponse,
    RemoveRoomSubscriptionsRequest,
    RemoveRoomSubscriptionsResponse,
)
from chatd.pb.events.v1.payloads_pb2 import EventType, SkipReason
from chatd.transport.sockets import Context
from tests.chaos.history import Change, Fail, History, Invoke, Ok, Shown, Skipped, Unknown

MAX_BATCH = 64
LOST_SECONDS = 4.0
"""After the loss of a gateway, so long until no node executes what it had passed on: the nodes know
that it would have given them up by then."""
OVER_SECONDS = 60.0
"""A gateway that is stopped for a while answers when it goes on."""
_ops = itertools.count()

Connect = Callable[[str], Client]
"""A client of a profile, at whichever gateway."""


def body_hash(delivery: Delivery) -> str:
    """Of what somebody said; of what the daemon says itself, and of what retention removed,
    empty."""
    return text_hash(delivery.text) if delivery.type == EventType.EVENT_TYPE_MESSAGE else ""


def text_hash(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


class Device:
    """One device. What it has shown survives its crashes, as an application's database does;
    everything else does not."""

    def __init__(self, connect: Connect, profile: str, name: str, history: History) -> None:
        self.profile, self.name = profile, name
        self._connect = connect
        self._history = history
        self._last: dict[str, int] = defaultdict(int)
        self.covered: dict[str, int] = defaultdict(int)
        self._stream: Stream | None = None
        self._task: asyncio.Task[None] | None = None
        self.opened = asyncio.Event()
        self.slow = 0.0
        """Seconds between two batches."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"{self.profile}/{self.name}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def crash(self) -> None:
        """Gone without a word."""
        if self._stream is not None:
            self._stream.abandon()

    async def _run(self) -> None:
        while True:
            client = self._connect(self.profile)
            try:
                self._stream = client.stream(self.name, window_messages=random.choice([32, 128, 1024]))
                async with self._stream as stream:
                    await stream.opened()
                    self.opened.set()
                    async for batch in stream.batches():
                        for delivery in batch:
                            self._show(delivery)
                        if self.slow:
                            await asyncio.sleep(self.slow)
            except ChatdError:
                await asyncio.sleep(random.uniform(0.0, 0.2))
            finally:
                client.close()

    def _show(self, delivery: Delivery) -> None:
        room, seq = delivery.room_id, delivery.seq
        repeat = seq <= self._last[room]
        now, first = time.monotonic(), seq
        if delivery.skipped is not None:
            first = delivery.skipped.first_seq
            reason = SkipReason.Name(delivery.skipped.reason) if delivery.skipped.reason else ""
            self._history.add(Skipped(now, self.profile, self.name, delivery.epoch, room, first, seq, reason))
        else:
            value = delivery.event_id, body_hash(delivery)
            retries = delivery.retry_count
            self._history.add(
                Shown(now, self.profile, self.name, delivery.epoch, room, seq, *value, retries, repeat=repeat)
            )
        if not repeat:
            self._last[room] = seq
            self.covered[room] += seq - first + 1


async def login_storm(connect: Connect, profile: str, device: str, times: int) -> None:
    """So many logins of one device at once: each takes the stream over from the last."""

    async def login() -> None:
        client = connect(profile)
        try:
            async with client.stream(device) as stream:
                async with asyncio.timeout(2):
                    await stream.opened()
                stream.abandon()
        except (ChatdError, TimeoutError):
            pass
        finally:
            client.close()

    await asyncio.gather(*(login() for _ in range(times)))


class Sender:
    """Sends to one room until told to stop, a batch at a time, each until its outcome is known or
    patience ends."""

    def __init__(self, connect: Connect, profile: str, room: str, history: History, pace: float) -> None:
        self._connect = connect
        self._profile = profile
        self._room = room
        self._history = history
        self._pace = pace
        self._stop = False

    def stop(self) -> None:
        self._stop = True

    async def run(self) -> None:
        client = self._connect(self._profile)
        try:
            while not self._stop:
                await self._send(client)
                await asyncio.sleep(random.uniform(0, 2 * self._pace))
                if random.random() < 0.02:
                    client.close()
                    client = self._connect(self._profile)
        finally:
            client.close()

    async def _send(self, client: Client) -> None:
        now = time.monotonic()
        ops = [next(_ops) for _ in range(random.randint(1, MAX_BATCH))]
        texts = {op: f"{self._profile} says {op} " + "." * random.randint(0, 60) for op in ops}
        for op in ops:
            self._history.add(Invoke(now, op, self._profile, self._room, f"e{op}", text_hash(texts[op])))
        try:
            acks = await client.send_events([message(self._room, texts[op], event_id=f"e{op}") for op in ops])
        except ChatdError as exc:
            end = time.monotonic()
            for op in ops:
                self._history.add(Unknown(end, op) if exc.retry else Fail(end, op, exc.code))
            return
        end = time.monotonic()
        for op, ack in zip(ops, acks, strict=True):
            self._history.add(Ok(end, op, ack.seq, ack.duplicate))


class Mover:
    """Lets a profile leave a room and come back, again and again, each call until its outcome is
    known. ``ids``: all attempts have one request id, at whichever gateways. Else each attempt is a
    call of its own, at a gateway that nothing stands before: it says when a call is over."""

    def __init__(
        self, connect: Connect, profile: str, room: str, history: History, *, ids: bool, pace: float = 0.8
    ) -> None:
        self._connect = connect
        self._profile = profile
        self._room = room
        self._history = history
        self._ids = ids
        self._pace = pace

    async def run(self) -> None:
        while True:
            for joins in (False, True):
                await asyncio.sleep(random.uniform(0.2, 2.0) * self._pace)
                await self.change(joins=joins)

    async def change(self, *, joins: bool) -> None:
        """Until it is done."""
        op = self._begin(joins=joins)
        while True:
            client = self._connect("operator")
            try:
                seq = await self._call(client, joins=joins, request_id=f"change{op}" if self._ids else "")
            except ChatdError as exc:
                if not self._ids:
                    if "gateway" in str(exc):
                        # Nobody says when what the gateway had passed on is over.
                        await asyncio.sleep(LOST_SECONDS)
                    self._history.add(Unknown(time.monotonic(), op))
                    op = self._begin(joins=joins)
                await asyncio.sleep(random.uniform(0.0, 0.2))
            else:
                self._history.add(Ok(time.monotonic(), op, seq))
                return
            finally:
                client.close()

    def _begin(self, *, joins: bool) -> int:
        op = next(_ops)
        self._history.add(Change(time.monotonic(), op, self._profile, self._room, joins))
        return op

    async def _call(self, client: Client, *, joins: bool, request_id: str) -> int:
        """The seq of the change; 0: there was nothing to do."""
        if joins:
            added = await client.call(
                "ChatService/AddRoomSubscriptions",
                AddRoomSubscriptionsRequest(room_id=self._room, profile_ids=[self._profile]),
                AddRoomSubscriptionsResponse,
                affinity=self._room,
                repeatable=self._ids,
                request_id=request_id,
                timeout=None if self._ids else OVER_SECONDS,
            )
            return added.seq
        removed = await client.call(
            "ChatService/RemoveRoomSubscriptions",
            RemoveRoomSubscriptionsRequest(room_id=self._room, profile_ids=[self._profile]),
            RemoveRoomSubscriptionsResponse,
            affinity=self._room,
            repeatable=self._ids,
            request_id=request_id,
            timeout=None if self._ids else OVER_SECONDS,
        )
        return removed.seq


def connector(uris: list[str], token: str, context: Context, *, call_timeout: float) -> Connect:
    """Clients of one context, each at a gateway of its own choice."""

    def connect(profile: str) -> Client:
        return Client(random.choice(uris), token, profile=profile, call_timeout=call_timeout, context=context)

    return connect
