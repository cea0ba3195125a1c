"""Client: calls with retries that cannot store anything twice, and streams that resume by themselves."""

import asyncio
import random
import uuid
import weakref
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from chatd.client.calls import Calls, NotConnected
from chatd.client.connection import CONNECT_SECONDS
from chatd.client.delivery import Delivery
from chatd.client.lifecycle import StreamState
from chatd.client.route import Gateways, Route
from chatd.client.stream import Stream
from chatd.core.compression import Compressor
from chatd.errors import ChatdError, RateLimited, TimedOut, Unavailable
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.pb.events.v1.signals_pb2 import Presence, Signal
from chatd.pb.gateway.v1.gateway_pb2 import Hello
from chatd.transport.sockets import Context, new_context

R = TypeVar("R", bound=Message)

PROTOCOL_VERSION = 1
TRY_SECONDS = 3.0
"""One try of a repeatable call; the whole may take ``call_timeout``."""
COMPRESS_MIN_BYTES = 1024
FIRST_PAUSE = 0.05
"""Seconds between the first two tries, doubling to one."""


class Client:
    """A connection to a gateway, as the profile of ``token`` (or, for an operator's token, as ``profile``). ``uri``: the gateway, or several; when
    the first is gone, another one that was given or that gateways have told of.

    ``call_timeout`` bounds each call in seconds. ``compress``: payloads from 1 KiB on are sent as zstd frames. Errors are those of
    ``chatd.errors``.
    """

    def __init__(
        self,
        uri: str | Sequence[str],
        token: str,
        *,
        profile: str | None = None,
        call_timeout: float = 10.0,
        client_name: str = "chatd-python",
        compress: bool = True,
        context: Context | None = None,
    ) -> None:
        self.gateways = Gateways(uri)
        """Where it may connect."""
        self._route = Route(self.gateways)
        self._token = token
        self._profile = profile or ""
        self._call_timeout = call_timeout
        self._client_name = client_name
        self._compressor = Compressor(min_bytes=COMPRESS_MIN_BYTES if compress else 0, level=3)
        self._given_context = context
        self._context = context or new_context()
        self._calls: Calls | None = None
        self._retired: list[Calls] = []
        self._closed = False
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection for calls, and any stream that is still open, without its Bye (``Stream.close`` says it)."""
        self._closed = True
        for stream in tuple(self._streams):
            stream.abandon()
        for calls in (*self._retired, *([self._calls] if self._calls is not None else [])):
            calls.close()
        self._retired, self._calls = [], None
        if self._given_context is None:
            self._context.term()

    async def call(
        self,
        method: str,
        request: Message,
        response_type: type[R],
        *,
        affinity: str = "",
        repeatable: bool = True,
        timeout: float | None = None,
    ) -> R:
        """Call any method. A ``repeatable`` call is tried again after errors that say so, until ``timeout`` seconds are over.

        Raises RateLimited when the time it names is not over within ``timeout``; any call is tried again after less.
        """
        if self._closed:
            raise Unavailable("the client was closed")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (timeout or self._call_timeout)
        pause = FIRST_PAUSE
        while True:
            left = deadline - loop.time()
            calls = self._connection()
            connect_timeout = min(left, CONNECT_SECONDS) if self._route.has_other else left
            timeout_now = min(left, TRY_SECONDS) if repeatable else left
            try:
                return await calls.call(
                    method,
                    request,
                    response_type,
                    affinity=affinity,
                    timeout=timeout_now,
                    connect_timeout=min(connect_timeout, timeout_now),
                )
            except ChatdError as exc:
                left = deadline - loop.time()
                if isinstance(exc, Unavailable | TimedOut):
                    self._move_from(calls)
                undone = isinstance(exc, NotConnected | RateLimited)  # certainly not done: no call is done twice by trying again
                if not (undone or (repeatable and exc.retry)) or self._closed or left < FIRST_PAUSE:
                    raise
                # Never so long that nothing is left of the time for another try.
                wait = min(pause, left / 2) * random.uniform(0.5, 1.0)
                if exc.retry_after_ms:
                    wait = exc.retry_after_ms / 1e3 * random.uniform(1.0, 1.2)
                    if wait >= left:
                        raise
            await asyncio.sleep(wait)
            pause = min(1.0, pause * 2)

    def _connection(self) -> Calls:
        if self._calls is None:
            self._calls = Calls(self._context, self._route.uri, token=self._token, profile=self._profile)
        return self._calls

    def _move_from(self, calls: Calls) -> None:
        """A call over this connection got no answer: the next ones go elsewhere, if there is an elsewhere."""
        if calls is self._calls and self._route.has_other and not self._closed:
            self._route.move()
            self._calls = None
            self._retired = [one for one in self._retired if not one.closed]
            self._retired.append(calls)
            calls.retire()

    async def send(
        self, room_id: str, text: str, *, event_id: str | None = None, priority: int = 0, mentions: Iterable[str] = ()
    ) -> chat.EventAck:
        """Send a text. Returns when it is stored for good; however often it had to be tried, it is stored once."""
        return (await self.send_events([message(room_id, text, event_id=event_id, priority=priority, mentions=mentions)]))[0]

    async def send_events(self, events: Sequence[chat.RoomEvent]) -> list[chat.EventAck]:
        """Send 1 to 256 events, all or none."""
        request = chat.SendEventsRequest(events=map(self._packed, events))
        affinity = events[0].room_id if events else ""
        return list((await self.call("ChatService/SendEvents", request, chat.SendEventsResponse, affinity=affinity)).acks)

    def _packed(self, event: chat.RoomEvent) -> chat.RoomEvent:
        """The event with a large payload compressed."""
        if event.payload.ByteSize() < COMPRESS_MIN_BYTES:
            return event
        frame = self._compressor.compress(event.payload.SerializeToString(deterministic=True))
        if frame is None:
            return event
        packed = chat.RoomEvent()
        packed.CopyFrom(event)
        packed.ClearField("payload")
        packed.compressed_payload = frame
        return packed

    async def create_room(
        self, room_id: str = "", *, name: str = "", profiles: Iterable[str] = (), hide_previews: bool = False
    ) -> chat.Room:
        """Make a room. ``hide_previews``: notifications say nothing of what is said in it. Not tried twice: a lost answer would turn into
        ALREADY_EXISTS."""
        request = chat.CreateRoomRequest(room_id=room_id, name=name, profile_ids=profiles, hide_previews=hide_previews)
        response = await self.call("ChatService/CreateRoom", request, chat.CreateRoomResponse, affinity=room_id, repeatable=False)
        return response.room

    async def update_room(self, room_id: str, *, name: str | None = None, hide_previews: bool | None = None) -> chat.Room:
        """Change a room's name or settings (None: as it is); the room as it is now. For its owner and operators."""
        request = chat.UpdateRoomRequest(room_id=room_id)
        if name is not None:
            request.name = name
        if hide_previews is not None:
            request.hide_previews = hide_previews
        return (await self.call("ChatService/UpdateRoom", request, chat.UpdateRoomResponse, affinity=room_id)).room

    async def add_members(self, room_id: str, profiles: Iterable[str]) -> list[str]:
        """Make profiles members; those who were not before."""
        request = chat.AddRoomSubscriptionsRequest(room_id=room_id, profile_ids=profiles)
        return list(
            (await self.call("ChatService/AddRoomSubscriptions", request, chat.AddRoomSubscriptionsResponse, affinity=room_id)).added
        )

    async def remove_members(self, room_id: str, profiles: Iterable[str]) -> list[str]:
        """End memberships; those who were members before."""
        request = chat.RemoveRoomSubscriptionsRequest(room_id=room_id, profile_ids=profiles)
        response = await self.call("ChatService/RemoveRoomSubscriptions", request, chat.RemoveRoomSubscriptionsResponse, affinity=room_id)
        return list(response.removed)

    async def set_push(self, device_id: str, notifier: str, *, endpoint: str = "", p256dh: str = "", auth: str = "") -> None:
        """How one of the profile's devices is notified while it is away: log, exec, webhook or webpush (with the subscription's endpoint and
        keys), as far as the operators have it; empty: no longer at all."""
        request = chat.SetPushRequest(device_id=device_id, notifier=notifier, endpoint=endpoint, p256dh=p256dh, auth=auth)
        await self.call("ChatService/SetPush", request, chat.SetPushResponse)

    async def set_room_notifications(
        self, room_id: str, level: chat.NotificationLevel = chat.NOTIFICATION_LEVEL_ALL, *, muted_until_us: int = 0
    ) -> None:
        """What to be notified of in a room, and not before ``muted_until_us`` (microseconds since the Unix epoch)."""
        request = chat.SetRoomNotificationsRequest(room_id=room_id, level=level, muted_until_us=muted_until_us)
        await self.call("ChatService/SetRoomNotifications", request, chat.SetRoomNotificationsResponse, affinity=room_id)

    async def room_notifications(self, room_id: str) -> chat.GetRoomNotificationsResponse:
        """What ``set_room_notifications`` has set for a room."""
        request = chat.GetRoomNotificationsRequest(room_id=room_id)
        return await self.call("ChatService/GetRoomNotifications", request, chat.GetRoomNotificationsResponse, affinity=room_id)

    async def history(self, room_id: str, *, before_seq: int = 0, limit: int = 50) -> tuple[list[Delivery], bool]:
        """A page of the room's log, ascending, the newest first; and whether there are older events."""
        request = chat.GetHistoryRequest(room_id=room_id, before_seq=before_seq, limit=limit, accept_zstd=True)
        response = await self.call("ChatService/GetHistory", request, chat.GetHistoryResponse, affinity=room_id)
        return [Delivery(event) for event in response.events], response.more

    async def set_read_marker(self, room_id: str, seq: int, *, device_id: str = "") -> chat.SetReadMarkerResponse:
        """Everything up to ``seq`` has been read, on that device. Forward only; where the marker is now, and what is unread behind it."""
        request = chat.SetReadMarkerRequest(room_id=room_id, seq=seq, device_id=device_id)
        return await self.call("ChatService/SetReadMarker", request, chat.SetReadMarkerResponse, affinity=room_id)

    async def unread(self, room_ids: Iterable[str] = ()) -> list[chat.Unread]:
        """How far each of the profile's rooms (or those named) has been read, and how much is unread."""
        request = chat.ListUnreadRequest(room_ids=room_ids, limit=1_000)
        rooms: list[chat.Unread] = []
        while True:
            page = await self.call("ChatService/ListUnread", request, chat.ListUnreadResponse)
            rooms += page.rooms
            if not page.more:
                return rooms
            request.after_room_id = page.rooms[-1].room_id

    async def delivery_status(
        self, room_id: str, seq: int, *, after_profile_id: str = "", limit: int = 100
    ) -> chat.GetDeliveryStatusResponse:
        """Who has received an event, and who has read it; a page of its recipients."""
        request = chat.GetDeliveryStatusRequest(room_id=room_id, seq=seq, after_profile_id=after_profile_id, limit=limit)
        return await self.call("ChatService/GetDeliveryStatus", request, chat.GetDeliveryStatusResponse, affinity=room_id)

    async def presence(self, profile_ids: Iterable[str]) -> list[Presence]:
        """How reachable profiles are, 1 to 100; those that share no room with this one are left out. ``Stream.watch_presence`` tells of changes."""
        request = chat.GetPresenceRequest(profile_ids=profile_ids)
        return list((await self.call("ChatService/GetPresence", request, chat.GetPresenceResponse)).presences)

    async def set_typing(self, room_id: str, typing: bool = True) -> None:
        """Say that the profile is writing, now and then for as long as it does, or has stopped. Tried once: soon it is no longer true."""
        request = chat.SetTypingRequest(room_id=room_id, typing=typing)
        await self.call("ChatService/SetTyping", request, chat.SetTypingResponse, affinity=room_id, repeatable=False, timeout=TRY_SECONDS)

    def stream(
        self,
        device_id: str,
        *,
        window_messages: int = 1024,
        window_bytes: int = 1 << 20,
        on_state: Callable[[StreamState, str], None] | None = None,
        on_signal: Callable[[Signal], None] | None = None,
    ) -> Stream:
        """The stream of one of the profile's devices: ``async with client.stream("laptop") as stream: async for delivery in stream: …``"""
        hello = Hello(
            token=self._token,
            profile_id=self._profile,
            device_id=device_id,
            window_messages=window_messages,
            window_bytes=window_bytes,
            version=PROTOCOL_VERSION,
            accept_zstd=True,
            want_signals=on_signal is not None,
            client=self._client_name,
        )
        stream = Stream(self._context, self.gateways, hello, on_state=on_state, on_signal=on_signal)
        self._streams.add(stream)
        return stream


def message(room_id: str, text: str, *, event_id: str | None = None, priority: int = 0, mentions: Iterable[str] = ()) -> chat.RoomEvent:
    """A MESSAGE with an id of its own. ``priority``: -1 bulk, 0 normal, 1 to 3 urgent, at least 1 with ``mentions`` (profiles meant in
    particular, at most 100)."""
    payload = Struct()
    payload["text"] = text
    return chat.RoomEvent(
        event_id=event_id or uuid.uuid4().hex,
        room_id=room_id,
        type=EventType.EVENT_TYPE_MESSAGE,
        payload=payload,
        priority=priority,
        mentions=mentions,
    )
