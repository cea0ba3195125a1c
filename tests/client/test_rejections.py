"""What a client refuses stays refused over reconnects; what is replayed is shown, once, whatever was shown before."""

import pytest

from chatd.client.delivery import Delivery
from chatd.client.resume import REJECTIONS_KEPT, Resume
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink, Skipped, SkipReason
from chatd.pb.gateway.v1.gateway_pb2 import Welcome


def event(seq: int, **fields: object) -> EventDelivery:
    return EventDelivery(event=EventLink(room_id="r", seq=seq, type=1), **fields)  # type: ignore[arg-type]


@pytest.fixture
def resume() -> Resume:
    made = Resume()
    made.welcomed(Welcome(epoch=1, window_messages=100), 0.0)
    return made


def test_a_rejection_names_the_delivery_by_its_count_on_this_connection(resume: Resume) -> None:
    resume.receive([event(1)], 0.0)
    shown = resume.receive([event(2), event(3)], 0.0)
    resume.reject(shown[1], "no")
    assert resume.take_rejects() == [(3, "no")]
    assert resume.take_rejects() == []


def test_a_rejection_that_was_lost_with_its_connection_is_made_again(resume: Resume) -> None:
    (shown,) = resume.receive([event(1)], 0.0)
    resume.reject(shown, "no")
    resume.take_rejects()
    resume.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    assert resume.receive([event(1), event(2)], 1.0)[0].seq == 2
    assert resume.take_rejects() == [(1, "no")]


def test_a_rejection_of_an_earlier_connection_waits_for_the_repeat(resume: Resume) -> None:
    (shown,) = resume.receive([event(1)], 0.0)
    resume.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    resume.reject(shown, "no")
    assert resume.take_rejects() == []
    resume.receive([event(1)], 1.0)
    assert resume.take_rejects() == [(1, "no")]


def test_what_was_acknowledged_is_not_rejected(resume: Resume) -> None:
    (shown,) = resume.receive([event(1)], 0.0)
    resume.handled(1, 0.0)
    resume.take_ack(1.0, force=True)
    resume.reject(shown, "too late")
    assert resume.take_rejects() == []


def test_only_so_many_rejections_are_remembered(resume: Resume) -> None:
    for seq in range(1, REJECTIONS_KEPT + 2):
        (shown,) = resume.receive([event(seq)], 0.0)
        resume.reject(shown, "no")
    resume.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    resume.receive([event(1), event(2)], 1.0)
    assert resume.take_rejects() == [(2, "no")]


def test_a_replay_is_shown_once_and_moves_nothing(resume: Resume) -> None:
    resume.receive([event(1), event(2), event(3)], 0.0)
    (replayed,) = resume.receive([event(2, replay=True)], 0.0)
    assert (replayed.seq, replayed.replay) == (2, True)
    resume.welcomed(Welcome(epoch=2, window_messages=100), 1.0)
    assert resume.receive([event(2, replay=True)], 1.0) == [], "its ack was lost, not its showing"
    assert [one.seq for one in resume.receive([event(3), event(4)], 1.0)] == [4]
    assert resume.received == 3, "repeats are counted all the same"


@pytest.mark.parametrize(
    ("first", "reason", "text"),
    [
        (3, SkipReason.SKIP_REASON_REJECTED, "3 will not come: rejected by this device"),
        (1, SkipReason.SKIP_REASON_RETENTION, "1 to 3 will not come: no longer kept"),
        (3, SkipReason.SKIP_REASON_UNDELIVERABLE, "3 will not come: tried too often"),
        (3, 77, "3 will not come: for a reason this version does not know"),
    ],
)
def test_a_marker_counts_as_shown_and_says_what_is_missing(resume: Resume, first: int, reason: SkipReason, text: str) -> None:
    marker = event(3, skipped=Skipped(first_seq=first, last_seq=3, reason=reason))
    (shown,) = resume.receive([marker], 0.0)
    assert (shown.text, shown.skipped) == (text, marker.skipped)
    assert resume.receive([event(3)], 0.0) == []
    assert Delivery(event(4)).skipped is None
