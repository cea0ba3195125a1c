"""The commands that do something in the service. Each takes the words behind it and returns what is
said when it is done (empty: nothing), or raises a ChatdError."""

from collections.abc import Sequence

from chatctl.chat.lines import ACTION, clock
from chatctl.chat.room import Room
from chatctl.chat.talk import Talk
from chatctl.columns import counted
from chatctl.times import clock as date_and_time
from chatd.errors import AlreadyExists, InvalidArgument, NotAMember
from chatd.pb.events.v1.signals_pb2 import PresenceState

PRESENCES: dict[int, str] = {
    PresenceState.PRESENCE_STATE_ONLINE: "online",
    PresenceState.PRESENCE_STATE_BUSY: "busy",
    PresenceState.PRESENCE_STATE_AWAY: "away",
    PresenceState.PRESENCE_STATE_OFFLINE: "offline",
}
MAX_NAMED = 100
"""Names that one line of the screen lists, and profiles that one look at presence may ask for."""

PROPOSED = "nothing has changed yet: an owner of the room has to approve it"


def words_of(rest: str, what: str) -> list[str]:
    """The words behind a command. Raises InvalidArgument if there are none."""
    words = rest.split()
    if not words:
        raise InvalidArgument(f"{what} is missing")
    return words


def room_in_view(talk: Talk) -> Room:
    """Raises InvalidArgument if no room is in view."""
    if not talk.current.room_id:
        raise InvalidArgument("no room is in view: /room ROOM goes to one, /create ROOM makes one")
    return talk.current


def listed(names: Sequence[str]) -> str:
    """Names for people, the first MAX_NAMED of them."""
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


async def room(talk: Talk, rest: str) -> str:
    """Go to a room; without a name to the next one with unread events."""
    if rest.strip():
        await talk.go_to(rest.strip())
        return ""
    unread = sorted(
        (one for one in talk.rooms.values() if one.unread and one is not talk.current),
        key=lambda one: (not one.mentioned, one.room_id),
    )
    if not unread:
        return "nothing is unread in other rooms"
    await talk.go_to(unread[0].room_id)
    return ""


async def rooms(talk: Talk, rest: str) -> str:
    """List the rooms that match, with what is unread."""
    found = [one for one in sorted(talk.rooms) if rest.strip().casefold() in one.casefold()]
    return listed([label(talk.rooms[room_id]) for room_id in found]) or "you are in no such room"


def label(one: Room) -> str:
    """A room in a list: its id, and the number of unread events behind it; an @ if one of them
    mentions the reader."""
    unread = f" {'@' if one.mentioned else ''}{one.unread:,}" if one.unread else ""
    return f"{one.room_id}{unread}"


async def create(talk: Talk, rest: str) -> str:
    """Make a room with these members, and go to it."""
    room_id, *profiles = rest.split() or [""]
    made = await talk.client.create_room(room_id, profiles=profiles)
    await _enter(talk, made.room_id)
    return ""


async def _enter(talk: Talk, room_id: str) -> None:
    talk.rooms.setdefault(room_id, Room(room_id, talk.me))
    await talk.go_to(room_id)


async def add(talk: Talk, rest: str) -> str:
    """Make profiles members of the room in view, or invite them."""
    profiles, here = words_of(rest, "PROFILE"), room_in_view(talk)
    done = await talk.client.add_members(here.room_id, profiles)
    if done.proposal_id:
        return PROPOSED
    return "" if done.seq else f"already here or invited: {listed(profiles)}"


async def remove(talk: Talk, rest: str) -> str:
    """End memberships of the room in view; its owner may."""
    profiles, here = words_of(rest, "PROFILE"), room_in_view(talk)
    done = await talk.client.remove_members(here.room_id, profiles)
    if done.proposal_id:
        return PROPOSED
    return "" if done.removed else f"not here: {listed(profiles)}"


async def leave(talk: Talk, rest: str) -> str:
    """Leave the room, by default the one in view."""
    room_id = rest.strip() or room_in_view(talk).room_id
    if not (await talk.client.remove_members(room_id, [talk.me])).removed:
        return f"you are not in {room_id}"
    talk.rooms.pop(room_id, None)
    if talk.current.room_id == room_id:
        talk.current = Room("", talk.me)
        if talk.rooms:
            await talk.go_to(min(talk.rooms))
    return f"you have left {room_id}"


async def topic(talk: Talk, rest: str) -> str:
    """Name the room in view; without a name say what it is called."""
    here = room_in_view(talk)
    if not rest.strip():
        return f"{here.room_id} is called {here.name}" if here.name else f"{here.room_id} has no name"
    done = await talk.client.update_room(here.room_id, name=rest.strip())
    if done.proposal_id:
        return PROPOSED
    here.name = done.room.name
    return ""


async def names(talk: Talk, rest: str) -> str:
    """List the members of the room in view, those who are online before the others."""
    here = room_in_view(talk)
    members = sorted(here.members or (), key=lambda one: (-talk.presence.get(one, 0), one))
    return f"{counted(len(members), 'member')}: {listed(members)}"


async def who(talk: Talk, rest: str) -> str:
    """Say how reachable profiles are, by default the other members of the room in view."""
    profiles = rest.split() or sorted((room_in_view(talk).members or set()) - {talk.me})[:MAX_NAMED]
    if not profiles:
        return "nobody else is here"
    presences = {one.profile_id: one.state for one in await talk.client.presence(profiles)}
    unknown = "not known: has not yet written or read in a room of yours"
    return ", ".join(f"{one}: {PRESENCES.get(presences.get(one, 0), unknown)}" for one in profiles)


async def message(talk: Talk, rest: str) -> str:
    """Go to the room of the two of you, which is made if there is none; say something if there is
    something to say."""
    profile, *_ = words_of(rest, "PROFILE")
    text = rest.strip()[len(profile) :].strip()
    room_id = "+".join(sorted((talk.me, profile)))
    try:
        await talk.go_to(room_id)
    except NotAMember:
        made = await talk.client.create_room(room_id, profiles=[profile])
        await _enter(talk, made.room_id)
    else:
        members = await talk.members(talk.current)  # a member may have added others
        if members != {talk.me, profile}:
            raise AlreadyExists(f"not only the two of you are in {room_id}: {listed(sorted(members))}")
    if text:
        talk.say(text)
    return ""


async def me(talk: Talk, rest: str) -> str:
    """Say what you do."""
    room_in_view(talk)
    talk.say(ACTION + " ".join(words_of(rest, "TEXT")))
    return ""


async def receipts(talk: Talk, rest: str) -> str:
    """Say who has received and who has read an event, by default your own newest."""
    here = room_in_view(talk)
    given = rest.strip()
    if given and not given.isdecimal():
        raise InvalidArgument("SEQ is a number")
    seq = int(given or here.newest_own())
    if not seq:
        return "you have said nothing here"
    status = await talk.client.delivery_status(here.room_id, seq)
    readers = [f"{one.profile_id} at {date_and_time(one.read_at_us)}" for one in status.profiles if one.read]
    line = here.lines.get(seq)
    of = f"{seq} ({clock(line.at_us)})" if line is not None else f"{seq}"
    return f"{of} is for {status.recipients:,}; received by {status.delivered:,}; read by {status.read:,}" + (
        f": {listed(readers)}" if readers else ""
    )


async def away(talk: Talk, rest: str) -> str:
    """Others see that you are away."""
    talk.show_as(PresenceState.PRESENCE_STATE_AWAY)
    return "others see that you are away; /back ends it"


async def busy(talk: Talk, rest: str) -> str:
    """Others see that you are busy."""
    talk.show_as(PresenceState.PRESENCE_STATE_BUSY)
    return "others see that you are busy; /back ends it"


async def back(talk: Talk, rest: str) -> str:
    """Others see that you are here."""
    talk.show_as(PresenceState.PRESENCE_STATE_ONLINE)
    return "others see that you are here"
