"""Numbers of messages: what is missing is seen by the next that comes, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from chatd.core.channel_numbers import STAMP_BYTES, HeardNumbers, SentNumbers, publisher_of


def test_a_stamp_names_its_publisher() -> None:
    sent = SentNumbers(1_764_000_000_000_000)
    stamps = [sent.stamp() for _ in range(300)]
    assert {publisher_of(stamp) for stamp in stamps} == {1_764_000_000_000_000}
    assert {len(stamp) for stamp in stamps} == {STAMP_BYTES}
    assert len(set(stamps)) == 300


@given(st.lists(st.sampled_from(("heard", "lost", "again")), max_size=60))
def test_a_hole_is_seen_once_by_the_message_behind_it(fates: list[str]) -> None:
    sent, heard = SentNumbers(1), HeardNumbers()
    heard.own(last := sent.stamp())
    missing = False
    for fate in fates:
        if fate == "again":  # over an older connection
            assert not heard.own(last)
            continue
        stamp = sent.stamp()
        if fate == "lost":
            missing = True
            continue
        assert heard.own(stamp) == missing
        last, missing = stamp, False


def test_the_first_of_all_may_be_missing() -> None:
    sent, heard = SentNumbers(1), HeardNumbers()
    sent.stamp()
    assert heard.own(sent.stamp())
    assert not heard.own(sent.stamp())


def test_a_message_meant_for_another_gateway_is_not_counted() -> None:
    mine, other, heard = SentNumbers(1), SentNumbers(1), HeardNumbers()
    heard.own(mine.stamp())
    other.stamp()
    other.stamp()
    assert not heard.other(other.stamp())
    assert not heard.other(mine.stamp())
    mine.stamp()
    assert heard.other(mine.stamp())


def test_a_process_that_starts_anew_begins_anew_and_the_old_one_is_forgotten() -> None:
    before, after, beside, heard = SentNumbers(1), SentNumbers(2), SentNumbers(3), HeardNumbers()
    for sent in (before, after, beside):
        assert not heard.own(sent.stamp())
    assert not heard.own(before.stamp())
    heard.forget(1)
    assert heard.own(before.stamp()), "nothing is known of it any more"
    assert not heard.own(after.stamp())
    assert not heard.own(beside.stamp())
