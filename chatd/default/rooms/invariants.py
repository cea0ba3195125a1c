"""Invariants of rooms, their logs and their members."""

from chatd.core.ids import ERASED
from chatd.core.member_role import MemberRole, RoomKind
from chatd.default.rooms.proposals import ProposalState
from chatd.default.rooms.unread import is_notable_sql
from chatd.pb.events.v1.payloads_pb2 import EventType
from chatd.store.invariant import Invariant

_NOTABLE = f"CASE WHEN {is_notable_sql('before')} THEN 1 ELSE 0 END"

INVARIANTS = (
    Invariant(
        "room.head",
        "room",
        """EXISTS (SELECT 1 FROM room_event WHERE room_event.room_id = room.room_id AND seq > head_seq)
            OR (first_seq <= head_seq AND NOT EXISTS (
                SELECT 1 FROM room_event WHERE room_event.room_id = room.room_id AND seq = head_seq))""",
        "a room's head is not the newest event of its log",
    ),
    Invariant(
        "room.marks",
        "room",
        """published_seq > head_seq OR notified_seq > head_seq OR urgent_seq > head_seq
            OR normal_seq > head_seq OR purged_seq > head_seq OR first_seq > head_seq + 1 OR first_seq < 1""",
        "a mark of a room is beyond its log",
    ),
    Invariant(
        "room.said",
        "room",
        f"""EXISTS (
            SELECT 1
            FROM room_event before
            WHERE before.room_id = room.room_id AND before.seq = room.head_seq
                AND before.type <> {int(EventType.EVENT_TYPE_ERASED)} AND room.said <> before.said + {_NOTABLE})""",
        "a room's count of what was said does not go on from its newest event",
    ),
    Invariant(
        "room.members",
        "room",
        """member_count <> (
            SELECT COUNT(*)
            FROM subscription
            WHERE subscription.room_id = room.room_id AND left_seq IS NULL)""",
        "a room's count of members is not the number of its memberships",
    ),
    Invariant(
        "room.deleted",
        "room",
        "deleted_seq > 0 AND deleted_seq <> head_seq",
        "the last event of a deleted room is not its head",
    ),
    Invariant(
        "room.blocked",
        "room",
        f"""blocked <> CASE WHEN kind = {int(RoomKind.DIRECT)} AND member_count = 2 AND EXISTS (
            SELECT 1
            FROM subscription one
            JOIN block ON block.profile_id = one.profile_id
            JOIN subscription other ON other.room_id = one.room_id AND other.profile_id = block.blocked_id
                AND other.left_seq IS NULL
            WHERE one.room_id = room.room_id AND one.left_seq IS NULL) THEN 1 ELSE 0 END""",
        "a direct room does not say whether one of its members has blocked the other",
    ),
    Invariant(
        "block.profile",
        "block",
        """profile_id = blocked_id OR NOT EXISTS (
            SELECT 1 FROM profile WHERE profile.profile_id = block.profile_id)""",
        "a block is of a profile that is gone, or of itself",
    ),
    Invariant(
        "role.member",
        "room_role",
        f"""role NOT BETWEEN {int(MemberRole.GUEST)} AND {int(MemberRole.OWNER)} OR NOT EXISTS (
            SELECT 1
            FROM subscription
            WHERE subscription.room_id = room_role.room_id AND subscription.profile_id = room_role.profile_id
                AND left_seq IS NULL)""",
        "a role is of no member, or none that there is",
    ),
    Invariant(
        "ban.member",
        "ban",
        """EXISTS (
            SELECT 1
            FROM subscription
            WHERE subscription.room_id = ban.room_id AND subscription.profile_id = ban.profile_id
                AND left_seq IS NULL)""",
        "a banned profile is a member",
    ),
    Invariant(
        "invitation.member",
        "invitation",
        """EXISTS (
                SELECT 1
                FROM subscription
                WHERE subscription.room_id = invitation.room_id
                    AND subscription.profile_id = invitation.profile_id AND left_seq IS NULL)
            OR EXISTS (
                SELECT 1
                FROM ban
                WHERE ban.room_id = invitation.room_id AND ban.profile_id = invitation.profile_id)""",
        "an invited profile is a member, or banned",
    ),
    Invariant(
        "invitation.room",
        "invitation",
        """NOT EXISTS (SELECT 1 FROM room WHERE room.room_id = invitation.room_id AND deleted_seq = 0)
            OR NOT EXISTS (SELECT 1 FROM profile WHERE profile.profile_id = invitation.profile_id)""",
        "an invitation is to a room or of a profile that is gone",
    ),
    Invariant(
        "proposal.room",
        "room_proposal",
        "NOT EXISTS (SELECT 1 FROM room WHERE room.room_id = room_proposal.room_id AND deleted_seq = 0)",
        "a proposal is of a room that is gone",
    ),
    Invariant(
        "proposal.state",
        "room_proposal",
        f"""state NOT BETWEEN {int(ProposalState.PENDING)} AND {int(ProposalState.EXPIRED)}
            OR (state = {int(ProposalState.PENDING)}) <> (decided_at_us = 0)
            OR (state <> {int(ProposalState.EXECUTED)} AND seq > 0)
            OR seq > (SELECT head_seq FROM room WHERE room.room_id = room_proposal.room_id)""",
        "a proposal's state is none, or does not fit its decision",
    ),
    Invariant(
        "proposal.named",
        "room_proposal",
        """NOT EXISTS (
            SELECT 1
            FROM named_in_proposal named
            WHERE named.room_id = room_proposal.room_id AND named.proposal_id = room_proposal.proposal_id
                AND named.profile_id = room_proposal.proposed_by)""",
        "the profiles that a proposal names are not known",
    ),
    Invariant(
        "proposal.names",
        "named_in_proposal",
        """NOT EXISTS (
                SELECT 1
                FROM room_proposal
                WHERE room_proposal.room_id = named_in_proposal.room_id
                    AND room_proposal.proposal_id = named_in_proposal.proposal_id)
            AND NOT EXISTS (
                SELECT 1
                FROM room
                WHERE room.room_id = named_in_proposal.room_id AND deleted_seq > 0 AND cleared = 0)""",
        "a profile is named in a proposal that is gone",
    ),
    Invariant(
        "event.room",
        "room_event",
        "NOT EXISTS (SELECT 1 FROM room WHERE room.room_id = room_event.room_id)",
        "an event is of a room that is gone",
    ),
    Invariant(
        "event.gap",
        "room_event",
        """seq > (SELECT first_seq FROM room WHERE room.room_id = room_event.room_id) AND NOT EXISTS (
            SELECT 1
            FROM room_event before
            WHERE before.room_id = room_event.room_id AND before.seq = room_event.seq - 1)""",
        "the event before this one is missing in its room's log",
    ),
    Invariant(
        "event.content",
        "room_event",
        """LENGTH(delivery) = 0 AND seq >= (
            SELECT first_seq FROM room WHERE room.room_id = room_event.room_id)""",
        "an event that is kept has no content",
    ),
    Invariant(
        "event.said",
        "room_event",
        f"""EXISTS (
            SELECT 1
            FROM room_event before
            WHERE before.room_id = room_event.room_id AND before.seq = room_event.seq - 1
                AND before.type <> {int(EventType.EVENT_TYPE_ERASED)}
                AND room_event.said <> before.said + {_NOTABLE})""",
        "an event's count of what was said before it is wrong",
    ),
    Invariant(
        "event.own",
        "room_event",
        f"""room_event.sender_id <> '{ERASED}' AND EXISTS (
            SELECT 1
            FROM room_event before
            WHERE before.room_id = room_event.room_id AND before.seq = (
                    SELECT MAX(own.seq)
                    FROM room_event own
                    WHERE own.room_id = room_event.room_id AND own.sender_id = room_event.sender_id
                        AND own.seq < room_event.seq)
                AND before.type <> {int(EventType.EVENT_TYPE_ERASED)}
                AND room_event.own <> before.own + {_NOTABLE})""",
        "an event's count of what its sender said before it is wrong",
    ),
    Invariant(
        "mention.event",
        "mention",
        f"""NOT EXISTS (
            SELECT 1
            FROM room_event before
            WHERE before.room_id = mention.room_id AND before.seq = mention.seq
                AND before.sender_id = mention.sender_id AND LENGTH(before.delivery) > 0 AND {_NOTABLE} = 1)""",
        "a mention is in no event that is kept and counts as unread",
    ),
    Invariant(
        "membership.room",
        "subscription",
        "NOT EXISTS (SELECT 1 FROM room WHERE room.room_id = subscription.room_id)",
        "a membership is of a room that is gone",
    ),
    Invariant(
        "membership.profile",
        "subscription",
        """left_seq IS NULL AND NOT EXISTS (
            SELECT 1 FROM profile WHERE profile.profile_id = subscription.profile_id)""",
        "a member has no profile",
    ),
    Invariant(
        "membership.span",
        "subscription",
        """left_seq < joined_seq OR COALESCE(left_seq, joined_seq) > (
            SELECT head_seq FROM room WHERE room.room_id = subscription.room_id)""",
        "a membership ends before it begins, or beyond its room's head",
    ),
    Invariant(
        "profile.rooms",
        "profile",
        # Not WHERE left_seq IS NULL: without statistics PostgreSQL then reads all of
        # subscription_active for each profile.
        """rooms <> (
            SELECT COUNT(*) - COUNT(left_seq)
            FROM subscription
            WHERE subscription.profile_id = profile.profile_id)""",
        "a profile's count of rooms is not the number of its memberships",
    ),
)
