"""The changes that signals make: who writes, who has received and read, who is online."""

import time
from typing import TYPE_CHECKING

from chatd.pb.events.v1.signals_pb2 import Presence, Signal

if TYPE_CHECKING:
    from chatctl.chat.talk import Talk


def hear(talk: "Talk", signal: Signal) -> None:
    """Take a signal of the stream."""
    match signal.WhichOneof("kind"):
        case "typing":
            one = signal.typing
            talk.room(one.room_id).heard_typing(one.profile_id, one.typing, time.monotonic())
        case "delivered" if signal.delivered.profile_id != talk.me:
            talk.room(signal.delivered.room_id).received(signal.delivered.first_seq, signal.delivered.seq)
        case "read":
            room = talk.room(signal.read.room_id)
            if signal.read.profile_id != talk.me:
                room.was_read(signal.read.profile_id, signal.read.seq)
            elif signal.read.seq > room.read_seq:
                talk.ask(talk.refresh_unread(room))
        case "invitation" if signal.invitation.invited_by:
            room_id = signal.invitation.room_id
            talk.note(
                f"{signal.invitation.invited_by} invites you to {room_id}: chatctl invitation accept {room_id}"
            )
        case "block":
            talk.note(
                f"you {'block' if signal.block.blocked else 'no longer block'} {signal.block.profile_id}"
            )
        case "proposal" if signal.proposal.pending and signal.proposal.proposed_by != talk.me:
            room_id = signal.proposal.room_id
            talk.note(f"{signal.proposal.proposed_by} proposes a change: chatctl proposal list {room_id}")
        case "presence":
            _hear_presence(talk, signal.presence)


def _hear_presence(talk: "Talk", one: Presence) -> None:
    if one.state:
        talk.presence[one.profile_id] = one.state
    else:
        talk.presence.pop(one.profile_id, None)
