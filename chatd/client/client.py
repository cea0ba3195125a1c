"""Client: a session with a method for each call of ChatService."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from chatd.client.blocks import BlockCalls
from chatd.client.invitations import InvitationCalls
from chatd.client.outgoing import Packer, message
from chatd.client.proposals import ProposalCalls
from chatd.client.reading import Reading
from chatd.client.retries import TRY_SECONDS
from chatd.client.rooms import RoomCalls
from chatd.client.token import TokenSource
from chatd.pb.chat.v1 import chat_pb2 as chat
from chatd.pb.events.v1.signals_pb2 import Presence
from chatd.transport.sockets import Context


class Client(RoomCalls, InvitationCalls, ProposalCalls, BlockCalls, Reading):
    """``Session`` explains the arguments. ``compress``: payloads from 1 KiB on are sent as zstd
    frames. A method that changes something does it once, however many attempts that took
    (``Session.call`` explains ``request_id``)."""

    def __init__(
        self,
        uri: str | Sequence[str],
        token: TokenSource,
        *,
        profile: str | None = None,
        key: Path | bytes | None = None,
        call_timeout: float = 10.0,
        client_name: str = "chatd-python",
        compress: bool = True,
        context: Context | None = None,
    ) -> None:
        super().__init__(
            uri,
            token,
            profile=profile,
            key=key,
            call_timeout=call_timeout,
            client_name=client_name,
            context=context,
        )
        self._packer = Packer(compress=compress)

    async def send(
        self,
        room_id: str,
        text: str,
        *,
        event_id: str | None = None,
        priority: int = 0,
        mentions: Iterable[str] = (),
        mention_all: bool = False,
    ) -> chat.EventAck:
        """Send a text. Returns when it is stored durably: once, however many attempts that took."""
        event = message(
            room_id, text, event_id=event_id, priority=priority, mentions=mentions, mention_all=mention_all
        )
        return (await self.send_events([event]))[0]

    async def send_events(self, events: Sequence[chat.RoomEvent]) -> list[chat.EventAck]:
        """Send 1 to 256 events, all or none."""
        method, response_type = "ChatService/SendEvents", chat.SendEventsResponse
        request = chat.SendEventsRequest(events=map(self._packer.pack, events))
        affinity = events[0].room_id if events else ""
        # The events have ids of their own.
        response = await self.call(method, request, response_type, affinity=affinity, request_id="")
        return list(response.acks)

    async def set_push(
        self,
        device_id: str,
        notifier: str,
        *,
        endpoint: str = "",
        p256dh: str = "",
        auth: str = "",
        request_id: str | None = None,
    ) -> None:
        """Have one of the profile's devices notified while it is away.

        ``notifier``: log, exec, webhook or webpush, as the operators offer them; empty: none.
        webpush needs the subscription's ``endpoint`` and keys.
        """
        request = chat.SetPushRequest(
            device_id=device_id,
            notifier=notifier,
            endpoint=endpoint,
            p256dh=p256dh,
            auth=auth,
        )
        await self.call("ChatService/SetPush", request, chat.SetPushResponse, request_id=request_id)

    async def set_room_notifications(
        self,
        room_id: str,
        level: chat.NotificationLevel = chat.NOTIFICATION_LEVEL_ALL,
        *,
        muted_until_us: int = 0,
        request_id: str | None = None,
    ) -> None:
        """Notify of a room's events by ``level``, not before ``muted_until_us`` (microseconds since
        1970)."""
        method, response_type = "ChatService/SetRoomNotifications", chat.SetRoomNotificationsResponse
        request = chat.SetRoomNotificationsRequest(
            room_id=room_id,
            level=level,
            muted_until_us=muted_until_us,
        )
        await self.call(method, request, response_type, affinity=room_id, request_id=request_id)

    async def room_notifications(self, room_id: str) -> chat.GetRoomNotificationsResponse:
        """Return what ``set_room_notifications`` has set for a room."""
        method, response_type = "ChatService/GetRoomNotifications", chat.GetRoomNotificationsResponse
        request = chat.GetRoomNotificationsRequest(room_id=room_id)
        return await self.call(method, request, response_type, affinity=room_id)

    async def set_read_marker(
        self,
        room_id: str,
        seq: int,
        *,
        device_id: str = "",
    ) -> chat.SetReadMarkerResponse:
        """Everything up to ``seq`` has been read, on this device. A marker moves forward only.

        Returns its position and the numbers of unread events behind it, and of those among them
        that mention the profile.
        """
        method, response_type = "ChatService/SetReadMarker", chat.SetReadMarkerResponse
        request = chat.SetReadMarkerRequest(room_id=room_id, seq=seq, device_id=device_id)
        return await self.call(method, request, response_type, affinity=room_id)

    async def unread(self, room_ids: Iterable[str] = ()) -> list[chat.Unread]:
        """Read markers and numbers of unread events, for these rooms or for all of the
        profile's."""
        request = chat.ListUnreadRequest(room_ids=room_ids, limit=1_000)
        rooms: list[chat.Unread] = []
        while True:
            page = await self.call("ChatService/ListUnread", request, chat.ListUnreadResponse)
            rooms += page.rooms
            if not page.more:
                return rooms
            request.after_room_id = page.rooms[-1].room_id

    async def delivery_status(
        self,
        room_id: str,
        seq: int,
        *,
        after_profile_id: str = "",
        limit: int = 100,
    ) -> chat.GetDeliveryStatusResponse:
        """The number of profiles that have received and read an event, and a page of its
        recipients."""
        method, response_type = "ChatService/GetDeliveryStatus", chat.GetDeliveryStatusResponse
        request = chat.GetDeliveryStatusRequest(
            room_id=room_id,
            seq=seq,
            after_profile_id=after_profile_id,
            limit=limit,
        )
        return await self.call(method, request, response_type, affinity=room_id)

    async def presence(self, profile_ids: Iterable[str]) -> list[Presence]:
        """The presence of 1 to 100 profiles; those that share no room with this one are left out.

        ``Stream.watch_presence`` tells changes.
        """
        request = chat.GetPresenceRequest(profile_ids=profile_ids)
        return list((await self.call("ChatService/GetPresence", request, chat.GetPresenceResponse)).presences)

    async def set_typing(self, room_id: str, typing: bool = True) -> None:
        """Say that the profile is typing, to be repeated every few seconds while it does, or has
        stopped.

        The call is not repeated: it would soon be no longer true.
        """
        request = chat.SetTypingRequest(room_id=room_id, typing=typing)
        await self.call(
            "ChatService/SetTyping",
            request,
            chat.SetTypingResponse,
            affinity=room_id,
            repeatable=False,
            timeout=TRY_SECONDS,
        )
