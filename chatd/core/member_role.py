"""The roles of a room's members, and the kinds of rooms."""

from enum import IntEnum

from chatd.pb.chat.v1 import chat_pb2


class MemberRole(IntEnum):
    """``chat.v1.MemberRole``, the highest last."""

    GUEST = chat_pb2.MEMBER_ROLE_GUEST
    """Reads only."""
    MEMBER = chat_pb2.MEMBER_ROLE_MEMBER
    MODERATOR = chat_pb2.MEMBER_ROLE_MODERATOR
    ADMIN = chat_pb2.MEMBER_ROLE_ADMIN
    OWNER = chat_pb2.MEMBER_ROLE_OWNER


class RoomKind(IntEnum):
    """``chat.v1.RoomKind``."""

    DIRECT = chat_pb2.ROOM_KIND_DIRECT
    """It is of two profiles, and has no owner."""
    GROUP = chat_pb2.ROOM_KIND_GROUP
    CHANNEL = chat_pb2.ROOM_KIND_CHANNEL
    """Few write, many read."""
