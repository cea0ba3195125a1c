"""Events and recipients as operators name them."""

import typer

from chatctl.arguments import MAX_SEQ
from chatctl.delivery_story import Recipient
from chatd.pb.admin.v1 import admin_pb2


def recipient(text: str) -> Recipient:
    """PROFILE, PROFILE/DEVICE, or PROFILE:DEVICE for ids that hold a slash. Raises
    typer.BadParameter."""
    profile_id, mark, device_id = text.partition(":" if ":" in text else "/")
    if not profile_id or (mark and not device_id):
        raise typer.BadParameter(f"'{text}' is no PROFILE and no PROFILE/DEVICE")
    return Recipient(profile_id, device_id)


def request(event: str, sender: str) -> admin_pb2.ExplainDeliveryRequest:
    """Ids hold no colon. Raises typer.BadParameter."""
    room_id, mark, seq = event.rpartition(":")
    if not mark:
        return admin_pb2.ExplainDeliveryRequest(event_id=event, sender_id=sender)
    if sender:
        raise typer.BadParameter("it belongs to the id of an event", param_hint="--sender")
    if not room_id or not seq.isascii() or not seq.isdigit() or not 0 < int(seq) <= MAX_SEQ:
        raise typer.BadParameter(f"'{event}' is no ROOM:SEQ")
    return admin_pb2.ExplainDeliveryRequest(room_id=room_id, seq=int(seq))
