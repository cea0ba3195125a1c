"""Limits of rooms and memberships."""

from typing import ClassVar

from chatd.daemon.settings.section import Section, number
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

    def limits(self) -> RoomLimits:
        """The limits for users."""
        return RoomLimits(
            created_a_day=self.max_rooms_created_per_day,
            rooms=self.max_rooms_per_profile,
            members=self.max_members_per_room,
        )
