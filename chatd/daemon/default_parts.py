"""The parts of a default node, put together and listed in the order of the flow."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from chatd import __version__
from chatd.core import node_protocol
from chatd.core.metric import Gauge
from chatd.core.notification import Notifier
from chatd.daemon.default_flow import Flow, now_us
from chatd.daemon.settings import Settings
from chatd.daemon.settings.notifications import NotificationsSection
from chatd.default.audit.service import AuditService
from chatd.default.dead_letters.admin import DeadLetterAdmin
from chatd.default.devices.admin import DeviceAdmin
from chatd.default.devices.connection_cache import ConnectionCache
from chatd.default.devices.device_limit import DeviceLimit
from chatd.default.messages.history_business import HistoryBusiness
from chatd.default.messages.message_business import MessageBusiness
from chatd.default.messages.unreadable import Unreadable
from chatd.default.nodes.gateways import Gateways
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.log_comparison import LogComparison
from chatd.default.notifications.admin import NotificationAdmin
from chatd.default.notifications.notification_business import NotificationBusiness
from chatd.default.notifications.offline_delivery import OfflineDelivery
from chatd.default.outbox.admin import OutboxAdmin
from chatd.default.outbox.cursor_admin import CursorAdmin
from chatd.default.outbox.node_service import NodeService
from chatd.default.part import Part
from chatd.default.receipts.own_rooms_business import OwnRoomsBusiness
from chatd.default.receipts.receipt_business import ReceiptBusiness
from chatd.default.retention.admin import RetentionAdmin
from chatd.default.retention.deleted_rooms import DeletedRooms
from chatd.default.retention.retention import Retention
from chatd.default.rooms.admin import RoomAdmin
from chatd.default.rooms.block_business import BlockBusiness
from chatd.default.rooms.invitation_business import InvitationBusiness
from chatd.default.rooms.member_business import MemberBusiness
from chatd.default.rooms.proposal_business import ProposalBusiness
from chatd.default.rooms.proposals import ProposalState, Proposed
from chatd.default.rooms.room_business import RoomBusiness
from chatd.default.search.room_search_business import RoomSearchBusiness
from chatd.default.search.search_business import SearchBusiness
from chatd.default.signals.typing_business import TypingBusiness
from chatd.default.tokens.admin import TokenAdmin
from chatd.default.tokens.revoked import RevokedTokens
from chatd.notify.choice import make_notifiers
from chatd.notify.push_endpoints import PushEndpoints
from chatd.pb.events.v1.signals_pb2 import ProposalNotice
from chatd.pb.node.v1.node_pb2 import DescribeResponse
from chatd.store.access import StoreAccess


@dataclass(frozen=True, slots=True)
class Notifying:
    """The parts of a node that go by the settings of notifications."""

    business: NotificationBusiness
    offline: OfflineDelivery

    def change(self, section: NotificationsSection, notifiers: Mapping[str, Notifier]) -> None:
        """Go by these from now on, NOTIFY_TICK_SECONDS aside."""
        self.business.change(notifiers, PushEndpoints(section.webpush_hosts()).fault)
        self.offline.change(section.rule(), notifiers)


def make_parts(
    settings: Settings,
    store: StoreAccess,
    flow: Flow,
    leases: Leases,
    gateways: Gateways,
    cache: ConnectionCache,
    started_us: int,
) -> tuple[tuple[Part, ...], Notifying]:
    """In the order of the flow, in which they begin and end; and those that a reload changes."""
    receipts = ReceiptBusiness(flow.signals, store, room_limit=settings.signals.receipt_room_limit)
    unreadable = Unreadable()
    revoked = RevokedTokens(store)
    messages = MessageBusiness(
        max_payload=settings.messages.max_payload_bytes,
        max_together=settings.messages.max_frame_bytes,
        compressor=settings.messages.compressor(),
    )
    notifications, offline = _notifications(settings, store, flow)
    deleted_rooms = DeletedRooms(store, period=settings.retention.retention_sweep_seconds)
    limits, invites = settings.rooms.limits(), settings.rooms.add_consent == "invite"
    tell_invited = flow.signals.invitation
    rooms = RoomBusiness(limits, deleted=deleted_rooms.begin, invites=invites, tell=tell_invited)
    members = MemberBusiness(limits, left=partial(_tell_left, flow), invites=invites, tell=tell_invited)
    parts = (
        _engine(store, flow, leases),
        messages.part,
        HistoryBusiness(unreadable).part,
        SearchBusiness(is_on=settings.search.search).part,
        RoomSearchBusiness().part,
        rooms.part,
        members.part,
        ProposalBusiness((*rooms.changes, *members.changes), limits, tell=partial(_tell_proposed, flow)).part,
        InvitationBusiness(limits, tell=tell_invited).part,
        BlockBusiness(limits, changed=flow.presence.left, tell=flow.signals.block).part,
        receipts.part,
        OwnRoomsBusiness(unreadable).part,
        _typing(settings, flow, store).part,
        flow.presence.part,
        _node_service(
            settings, store, flow, receipts, leases, gateways, revoked, cache, unreadable, started_us
        ).part,
        flow.routing.part,
        notifications.part,
        AuditService().part,
        RoomAdmin().part,
        OutboxAdmin(flow.online, flow.owed, now_us).part,
        CursorAdmin(flow.last_mile.notify).part,
        DeviceAdmin(flow.online, cache, flow.last_mile.tell_epoch).part,
        revoked.part,
        TokenAdmin(revoked.look).part,
        DeadLetterAdmin(flow.last_mile.notify, store).part,
        RetentionAdmin(now_us).part,
        NotificationAdmin(offline.sender.test).part,
        flow.fan_out.part,
        flow.signals.part,
        offline.part,
        _retention(settings, store, flow).part,
        deleted_rooms.part,
        cache.part,
        leases.part,
    )
    return parts, Notifying(notifications, offline)


def _engine(store: StoreAccess, flow: Flow, leases: Leases) -> Part:
    """Counts of the store, the queue and the guard of connections: they are no subjects."""
    return Part(
        counters=(store.events_committed, store.commits, *flow.publisher.counters, leases.peers.refused),
        gauges=(
            *store.gauges,
            Gauge("devices_online", "devices with a stream", lambda: len(flow.online)),
        ),
        times=(store.commit_times,),
    )


def _notifications(
    settings: Settings, store: StoreAccess, flow: Flow
) -> tuple[NotificationBusiness, OfflineDelivery]:
    section = settings.notifications
    notifiers = make_notifiers(section.names(), section.notifier_settings())
    endpoints = PushEndpoints(section.webpush_hosts())
    business = NotificationBusiness(
        notifiers, endpoints.fault, most_devices=settings.retention.max_devices_per_profile
    )
    offline = OfflineDelivery(
        section.rule(),
        notifiers,
        store,
        online=flow.online,
        signals=flow.signals.online,
        silence=settings.streams.longest_silence(),
        tick=section.notify_tick_seconds,
        clock=now_us,
    )
    return business, offline


def _retention(settings: Settings, store: StoreAccess, flow: Flow) -> Retention:
    return Retention(
        settings.retention.rule(),
        store,
        flow.online,
        period=settings.retention.retention_sweep_seconds,
        clock=now_us,
    )


def _tell_left(flow: Flow, profile_ids: Sequence[str]) -> None:
    """Profiles have left a room: whom they watch, and who watches them, is looked up again."""
    flow.presence.left(profile_ids)
    for profile_id in profile_ids:
        for topic in flow.online.of_profile(profile_id):
            flow.last_mile.notify(topic)


def _tell_proposed(flow: Flow, proposed: Proposed) -> None:
    """A proposal was made or decided: signals say so."""
    flow.signals.proposal(
        proposed.told,
        ProposalNotice(
            room_id=proposed.room_id,
            proposal_id=proposed.proposal_id,
            proposed_by=proposed.proposed_by,
            pending=proposed.state is ProposalState.PENDING,
        ),
    )


def _typing(settings: Settings, flow: Flow, store: StoreAccess) -> TypingBusiness:
    section = settings.signals
    return TypingBusiness(
        flow.signals, store.members, rate=section.typing_rate(), room_limit=section.receipt_room_limit
    )


def _node_service(
    settings: Settings,
    store: StoreAccess,
    flow: Flow,
    receipts: ReceiptBusiness,
    leases: Leases,
    gateways: Gateways,
    revoked: RevokedTokens,
    cache: ConnectionCache,
    unreadable: Unreadable,
    started_us: int,
) -> NodeService:
    return NodeService(
        description=DescribeResponse(
            node_id=settings.node.node_id,
            queue_name=settings.queue.said_name(),
            version=__version__,
            started_at_us=started_us,
            protocol=node_protocol.NUMBER,
            oldest_protocol=node_protocol.OLDEST,
        ),
        leases=leases,
        comparison=LogComparison(store, leases.log),
        gateways=gateways,
        revoked=revoked,
        asked=flow.routing.asked,
        rule=settings.redelivery.rule(),
        unreadable=unreadable,
        limit=DeviceLimit(
            flow.online,
            most=settings.retention.max_devices_per_profile,
            tell_epoch=flow.last_mile.tell_epoch,
            clock=now_us,
            steady=time.monotonic,
        ),
        cache=cache,
        tell_epoch=flow.last_mile.tell_epoch,
        acknowledged=receipts.acknowledged,
        clock=now_us,
    )
