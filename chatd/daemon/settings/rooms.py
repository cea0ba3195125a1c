"""Limits of rooms and memberships."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from chatd.daemon.settings.section import Section, lower, number
from chatd.default.rooms.limits import RoomLimits


class RoomsSection(Section):
    """Operators have no limits."""

    title: ClassVar[str] = "Rooms"

    max_rooms_created_per_day: int = number(
        200,
        "Number of rooms that one user may create within 24 hours. With 0 there is no limit.",
        unit="rooms",
        ge=0,
        le=10**6,
    )
    max_rooms_per_profile: int = number(
        2_000,
        "Number of rooms that one user may be a member of. Each costs a row for each of the user's devices. "
        "With 0 there is no limit.",
        unit="rooms",
        ge=0,
        le=10**6,
    )
    max_members_per_room: int = number(
        100_000,
        "Number of members that one room may have. With 0 there is no limit.",
        unit="members",
        ge=0,
        le=10**7,
    )

    add_consent: Annotated[Literal["add", "invite"], BeforeValidator(lower)] = Field(
        default="add",
        description="Way in which users make others members of a room: add, which makes them members at once, or "
        "invite, which makes them members when they accept. Operators add, also when they act "
        "for a user, and direct rooms are made at once.",
    )
    max_invitations: int = number(
        1_000,
        "Number of invitations, not answered yet, that one user may have, and that one room may have made. "
        "With 0 there is no limit.",
        unit="invitations",
        ge=0,
        le=10**6,
    )
    max_blocked_per_profile: int = number(
        1_000,
        "Number of profiles that one user may block. With 0 there is no limit.",
        unit="profiles",
        ge=0,
        le=10**6,
    )
    max_proposals_per_room: int = number(
        100,
        "Number of proposals of one room that may wait for approval, a tenth of them (at least 1) by one user. "
        "As many decided ones are kept. With 0 there is no limit.",
        unit="proposals",
        ge=0,
        le=10**6,
    )
    max_room_metadata_bytes: int = number(
        4_096,
        "Number of bytes that the description and the metadata of one room may have together. With 0 there "
        "is no limit.",
        unit="bytes",
        ge=0,
        le=65_536,
    )

    def limits(self) -> RoomLimits:
        """The limits for users."""
        return RoomLimits(
            created_a_day=self.max_rooms_created_per_day,
            rooms=self.max_rooms_per_profile,
            members=self.max_members_per_room,
            metadata=self.max_room_metadata_bytes,
            invitations=self.max_invitations,
            blocked=self.max_blocked_per_profile,
            proposals=self.max_proposals_per_room,
        )
