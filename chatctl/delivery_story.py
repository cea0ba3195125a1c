"""The story of one event at one device in words: a sentence that answers, and steps with their
times. Pure: ``now_us`` is given."""

from collections.abc import Iterator
from dataclasses import dataclass

from chatctl.columns import counted
from chatctl.times import age, clock
from chatd.pb.admin.v1.admin_pb2 import Connection, DeviceStory, ExplainDeliveryResponse
from chatd.pb.events.v1.payloads_pb2 import DeliveryState


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened; ``at_us`` in microseconds since the Unix epoch."""

    at_us: int
    what: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """The device that is asked about; without a device the whole profile is."""

    profile_id: str
    device_id: str = ""

    def __str__(self) -> str:
        return f"{self.profile_id}/{self.device_id}" if self.device_id else self.profile_id


def why_nobody(who: Recipient, story: ExplainDeliveryResponse, now_us: int) -> str:
    """The reason why no device of the profile has to do with the event; empty if one may have."""
    if not story.HasField("membership"):
        return _not_a_member(who.profile_id, story, now_us)
    if story.devices:
        return ""
    if who.device_id:
        return f"{who.profile_id} has no device {who.device_id}"
    return f"{who.profile_id} has no device, so there is none to deliver it to"


def _not_a_member(profile_id: str, story: ExplainDeliveryResponse, now_us: int) -> str:
    room_id, nearest = story.event.room_id, story.nearest
    if not story.HasField("nearest"):
        return f"{profile_id} was never a member of {room_id}"
    if nearest.joined_seq > story.event.seq:
        when = _when(nearest.joined_at_us, now_us)
        return f"{profile_id} was not a member of {room_id} then: joined later, with event {nearest.joined_seq}{when}"
    when = _when(nearest.left_at_us, now_us)
    return (
        f"{profile_id} was not a member of {room_id} then: left before, with event {nearest.left_seq}{when}"
    )


def _when(at_us: int, now_us: int) -> str:
    return f", {age(now_us - at_us)} ago" if at_us else ""


def why(
    who: Recipient,
    story: ExplainDeliveryResponse,
    device: DeviceStory,
    connection: Connection | None,
    now_us: int,
) -> str:
    """One sentence: how the event stands with the device."""
    if not device.is_recipient:
        registered = age(now_us - device.created_at_us)
        return f"{who} is not owed it: the device was registered after it, {registered} ago"
    match device.state:
        case DeliveryState.DELIVERY_STATE_ACKNOWLEDGED:
            by = ", by a replay of its dead letter" if device.letter_id else ""
            return f"{who} has acknowledged it{by}"
        case DeliveryState.DELIVERY_STATE_REJECTED:
            return f"{who} rejected it{_reason(device)}{_letter(device)}"
        case DeliveryState.DELIVERY_STATE_UNDELIVERABLE:
            ago = age(now_us - device.last_failed_at_us)
            return f"{who} did not take it in {_times(device.attempts)}; given up {ago} ago{_letter(device)}"
        case DeliveryState.DELIVERY_STATE_SKIPPED:
            return f"an operator skipped it for {who}; chatctl outbox replay owes it again"
        case DeliveryState.DELIVERY_STATE_REMOVED:
            return f"retention removed it before {who} had it"
    return _owed(who, story, device, connection, now_us)


def _owed(
    who: Recipient,
    story: ExplainDeliveryResponse,
    device: DeviceStory,
    connection: Connection | None,
    now_us: int,
) -> str:
    owed = f"{who} has been owed it for {age(now_us - story.event.sent_at_us)}"
    tried = f", tried {_times(device.attempts)} in vain" if device.attempts else ""
    if not device.online:
        return f"{owed}{tried}; not connected, last seen {age(now_us - device.seen_at_us)} ago"
    where = ""
    if connection is not None:
        where = f" at gateway {connection.gateway_id} for {age(now_us - connection.since_us)}"
    if not story.published:
        return f"{owed}; connected{where}; it is about to be published"
    if device.owed_before:
        events = "event is" if device.owed_before == 1 else "events are"
        return (
            f"{owed}{tried}; connected{where}; {device.owed_before:,} older {events} not acknowledged "
            f"either, the first is {device.acked_seq + 1}"
        )
    return f"{owed}{tried}; connected{where}; it is in flight, and the device has not acknowledged it"


def _times(attempts: int) -> str:
    return counted(attempts, "attempt")


def _reason(device: DeviceStory) -> str:
    return f": {device.reason}" if device.reason else ""


def _became(device: DeviceStory) -> str:
    if device.state == DeliveryState.DELIVERY_STATE_SKIPPED:
        return "skipped by an operator"
    return f"dead letter {device.letter_id}"


def _letter(device: DeviceStory) -> str:
    state = {"replaying": ", which is being replayed", "dropped": ", which an operator dropped"}
    return f"; dead letter {device.letter_id}{state.get(device.letter_state, '')}" if device.letter_id else ""


def steps(
    story: ExplainDeliveryResponse, device: DeviceStory, connection: Connection | None
) -> Iterator[Step]:
    """The things that are known to have happened, in the order of their times."""
    found = [
        Step(story.event.sent_at_us, f"stored as event {story.event.seq} of {story.event.room_id}"),
        Step(story.membership.joined_at_us, f"joined the room, with event {story.membership.joined_seq}"),
        Step(story.membership.left_at_us, f"left the room, with event {story.membership.left_seq}"),
        Step(device.created_at_us, "device registered"),
        Step(device.seen_at_us, "device last seen"),
        Step(device.first_failed_at_us if device.attempts else 0, "first failed attempt"),
        Step(device.last_failed_at_us if device.attempts > 1 else 0, f"failed attempt {device.attempts}"),
        Step(device.last_failed_at_us if device.letter_id else 0, _became(device)),
        Step(device.notified_at_us, f"last notified by {device.notifier}"),
        Step(story.read_at_us, "read marker passed it"),
    ]
    if connection is not None:
        found.append(Step(connection.since_us, f"connected at gateway {connection.gateway_id}"))
    return iter(sorted((one for one in found if one.at_us), key=lambda one: one.at_us))


def cells(step: Step) -> tuple[str, str]:
    """A step for people: its time and what happened."""
    return clock(step.at_us), step.what
