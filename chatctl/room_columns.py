"""Columns of rooms, of their members, and of the rooms of a profile."""

from collections.abc import Callable, Mapping

from chatctl.columns import Column, Columns, unlisted
from chatctl.room_choices import RULES, kind_name, role_name
from chatctl.times import clock
from chatd.pb.admin.v1.admin_pb2 import Member
from chatd.pb.chat.v1.chat_pb2 import MyRoom, Room


def _rule(rule: str) -> Callable[[Room], str]:
    return lambda room: role_name(getattr(room.rules, rule))


def _facts(metadata: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in metadata.items())


COLUMNS: Columns[Room] = (
    Column("room", "room_id"),
    Column("name", "name"),
    Column("members", "members", get=lambda room: room.member_count),
    Column("events", "head_seq"),
    Column("made by", "created_by"),
    Column("made", "created_at_us", clock, detail=clock),
    unlisted("hide_previews"),
    unlisted("kind", get=lambda room: kind_name(room.kind)),
    unlisted("public"),
    *(unlisted(f"may_{rule}", get=_rule(rule)) for rule in RULES),
    unlisted("requires_approval", get=lambda room: room.rules.requires_approval),
    unlisted("keep_days", get=lambda room: room.rules.keep_days),
    unlisted("keep_events", get=lambda room: room.rules.keep_events),
    unlisted("description"),
    unlisted("metadata", get=lambda room: {one.key: one.value for one in room.metadata}, detail=_facts),
    unlisted("settings_version"),
    unlisted("deleted_seq"),
)

ORDERS = {"members": "member_count", "head_seq": "head_seq", "created_at_us": "created_at_us"}
"""Columns by which the service sorts all rooms."""

MEMBERS: Columns[Member] = (
    Column("profile", "profile_id"),
    Column("role", "role", get=lambda member: role_name(member.role)),
    Column("joined seq", "joined_seq"),
    Column("devices", "devices"),
)

OWN: Columns[MyRoom] = (
    Column("room", "room_id", get=lambda own: own.room.room_id),
    Column("name", "name", get=lambda own: own.room.name),
    Column("role", "role", get=lambda own: role_name(own.role)),
    Column("members", "members", get=lambda own: own.room.member_count),
    Column("events", "head_seq", get=lambda own: own.room.head_seq),
    Column("unread", "unread"),
    Column("mentions", "mentions"),
    Column("last", "last_at_us", clock, get=lambda own: own.last_event.event.sent_at_us, detail=clock),
    unlisted("read_seq"),
    unlisted("joined_seq"),
)
