"""A profile or one of its devices, as operators name it."""

from dataclasses import dataclass

import typer


@dataclass(frozen=True, slots=True)
class Recipient:
    """The device that is asked about; without a device the whole profile is."""

    profile_id: str
    device_id: str = ""

    def __str__(self) -> str:
        return f"{self.profile_id}/{self.device_id}" if self.device_id else self.profile_id


def recipient(text: str) -> Recipient:
    """PROFILE, PROFILE/DEVICE, or PROFILE:DEVICE for ids that hold a slash. Raises
    typer.BadParameter."""
    profile_id, mark, device_id = text.partition(":" if ":" in text else "/")
    if not profile_id or (mark and not device_id):
        raise typer.BadParameter(f"'{text}' is no PROFILE and no PROFILE/DEVICE")
    return Recipient(profile_id, device_id)
