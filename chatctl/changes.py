"""Outcomes of changes of rooms, as people read them."""

from collections.abc import Sequence

from chatctl.output import Output
from chatd.pb.chat.v1.chat_pb2 import AddRoomSubscriptionsResponse
from chatd.text import nfc


def say_proposed(out: Output, room: str, proposal_id: str) -> bool:
    """True if the change has become a proposal, which is then shown."""
    if proposal_id:
        out.one({"room_id": room, "proposal_id": proposal_id})
        out.say("nothing has changed yet: an owner of the room has to approve it")
    return bool(proposal_id)


def say_added(out: Output, named: Sequence[str], done: AddRoomSubscriptionsResponse) -> None:
    """Those that are members now, or invited."""
    if done.invited:
        out.names("invited", list(done.invited))
    else:
        out.names("added", list(done.added))
    say_unchanged(out, named, (*done.added, *done.invited), "already in the room or invited")


def say_unchanged(out: Output, named: Sequence[str], changed: Sequence[str], why: str) -> None:
    """Nothing was to do for the others."""
    others = [profile for profile in map(nfc, named) if profile not in changed]
    if others:
        out.say(f"{why}: {', '.join(others)}")
