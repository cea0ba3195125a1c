"""AdminService's calls about the outbox. Contents of events are never shown."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from chatd.core.ids import check_seq, topic_of
from chatd.core.online import OnlineTable
from chatd.core.wire import link_of
from chatd.default.answer import Answer, Call, Caller, Read, Role
from chatd.default.limits import MAX_LIMIT, page_limit
from chatd.default.outbox.model import Membership, OutboxEntry, OutboxSummary, Recipient, Story
from chatd.default.outbox.owed import OwedWalk
from chatd.default.outbox.store import (
    LONGEST_OWED,
    ORDERS,
    GetBroadcast,
    ListOutbox,
    ListOutboxEntries,
)
from chatd.default.outbox.story import TellStory
from chatd.default.pages import choose_order, read_place, write_place
from chatd.default.part import Part
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1 import admin_pb2
from chatd.pb.events.v1.payloads_pb2 import (
    DeliveryState,
    EventBroadcast,
    EventLink,
    EventReceipt,
)


class OutboxAdmin:
    """``owed`` knows what all devices together are owed. ``clock`` gives microseconds since the
    Unix epoch."""

    def __init__(self, online: OnlineTable, owed: OwedWalk, clock: Callable[[], int]) -> None:
        self._online = online
        self._clock = clock
        self.part = Part(
            calls=(
                Call("AdminService/ListOutbox", admin_pb2.ListOutboxRequest, Role.READ, self.list_outbox),
                Call(
                    "AdminService/ListOutboxEntries",
                    admin_pb2.ListOutboxEntriesRequest,
                    Role.READ,
                    self.list_outbox_entries,
                ),
                Call(
                    "AdminService/GetBroadcast",
                    admin_pb2.GetBroadcastRequest,
                    Role.READ,
                    self.get_broadcast,
                ),
                Call(
                    "AdminService/ExplainDelivery",
                    admin_pb2.ExplainDeliveryRequest,
                    Role.READ,
                    self.explain_delivery,
                ),
            ),
            gauges=owed.gauges,
        )

    def list_outbox(self, caller: Caller, request: admin_pb2.ListOutboxRequest) -> Answer:
        """A row for each device and room with something owed."""
        order = choose_order(request.order_by, ORDERS, LONGEST_OWED)

        def then(page: tuple[tuple[OutboxSummary, ...], bool]) -> admin_pb2.ListOutboxResponse:
            rows, more = page
            return admin_pb2.ListOutboxResponse(
                rows=map(self._summary, rows), more=more, next_after=order.place_of(rows, more)
            )

        return Read(
            ListOutbox(
                request.profile_id,
                request.device_id,
                request.room_id,
                page_limit(request.limit),
                order,
                order.read_place(request.after),
            ),
            then,
        )

    def _summary(self, row: OutboxSummary) -> admin_pb2.OutboxSummary:
        return admin_pb2.OutboxSummary(
            profile_id=row.profile_id,
            device_id=row.device_id,
            room_id=row.room_id,
            acked_seq=row.acked_seq,
            owed_until_seq=row.owed_until_seq,
            owed=row.owed,
            oldest_at_us=row.oldest_at_us,
            attempts=row.attempts,
            online=topic_of(row.profile_id, row.device_id) in self._online,
        )

    def list_outbox_entries(self, caller: Caller, request: admin_pb2.ListOutboxEntriesRequest) -> Answer:
        """A row for each device and event that is owed."""

        def then(page: tuple[tuple[OutboxEntry, ...], bool]) -> admin_pb2.ListOutboxEntriesResponse:
            now = self._clock()
            rows, more = page
            answer = admin_pb2.ListOutboxEntriesResponse(
                entries=[_entry(row, now) for row in rows], more=more
            )
            if more:
                last = rows[-1]
                answer.next_after = write_place(last.profile_id, last.device_id, last.room_id, last.seq)
            return answer

        return Read(
            ListOutboxEntries(
                request.profile_id,
                request.device_id,
                request.room_id,
                page_limit(request.limit),
                read_place(request.after, str, str, str, int),
            ),
            then,
        )

    def get_broadcast(self, caller: Caller, request: admin_pb2.GetBroadcastRequest) -> Answer:
        """An event and how far it has come to each device, as an EventBroadcast."""

        def then(found: tuple[bytes, tuple[Recipient, ...], bool]) -> admin_pb2.GetBroadcastResponse:
            delivery, recipients, more = found
            event = link_of(delivery)
            age = self._clock() - event.sent_at_us
            targets = [
                _receipt(one.profile_id, one.device_id, one.state, one.attempts, age) for one in recipients
            ]
            return admin_pb2.GetBroadcastResponse(
                broadcast=EventBroadcast(event=event, targets=targets, priority=event.priority),
                more=more,
            )

        return Read(
            GetBroadcast(
                request.room_id,
                check_seq("seq", request.seq),
                request.after_profile_id,
                request.after_device_id,
                page_limit(request.limit, default=MAX_LIMIT),
            ),
            then,
        )

    def explain_delivery(self, caller: Caller, request: admin_pb2.ExplainDeliveryRequest) -> Answer:
        """The story of one event's way to one profile's devices."""
        if bool(request.room_id) == bool(request.event_id):
            raise InvalidArgument("an event is named by room_id and seq, or by event_id")
        return Read(
            TellStory(
                request.room_id,
                check_seq("seq", request.seq) if request.room_id else 0,
                request.event_id,
                request.sender_id,
                request.profile_id,
                request.device_id,
            ),
            partial(self._story, request.profile_id),
        )

    def _story(self, profile_id: str, story: Story) -> admin_pb2.ExplainDeliveryResponse:
        response = admin_pb2.ExplainDeliveryResponse(
            event=story.link,
            published=story.published,
            removed=story.removed,
            membership=_membership(story.membership),
            nearest=_membership(story.nearest),
            read_at_us=story.read_at_us,
        )
        for one in story.devices:
            shown = response.devices.add(**asdict(one))
            shown.online = topic_of(profile_id, one.device_id) in self._online
        return response


def _membership(membership: Membership | None) -> admin_pb2.Membership | None:
    if membership is None:
        return None
    return admin_pb2.Membership(
        joined_seq=membership.joined_seq,
        joined_at_us=membership.joined_at_us,
        left_seq=membership.left_seq,
        left_at_us=membership.left_at_us,
    )


def _entry(row: OutboxEntry, now_us: int) -> admin_pb2.OutboxEntry:
    link = EventLink(
        event_id=row.event_id,
        room_id=row.room_id,
        seq=row.seq,
        sender_id=row.sender_id,
        sent_at_us=row.sent_at_us,
    )
    link.type = row.type  # type: ignore[assignment]
    target = _receipt(row.profile_id, row.device_id, row.state, row.attempts, now_us - row.sent_at_us)
    return admin_pb2.OutboxEntry(event=link, target=target)


def _receipt(profile_id: str, device_id: str, state: int, attempts: int, age_us: int) -> EventReceipt:
    receipt = EventReceipt(profile_id=profile_id, device_id=device_id, attempts=attempts)
    receipt.state = state  # type: ignore[assignment]
    receipt.acked = state == DeliveryState.DELIVERY_STATE_ACKNOWLEDGED
    receipt.owed_for_us = age_us if state == DeliveryState.DELIVERY_STATE_OWED else 0
    return receipt
