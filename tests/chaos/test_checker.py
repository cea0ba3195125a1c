"""The checker is itself tested: a healthy history passes, and each planted fault is caught by its
own letter and by no other."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos import healthy
from tests.chaos.checker import check
from tests.chaos.healthy import Healthy
from tests.chaos.history import (
    Block,
    Change,
    History,
    Invoke,
    Ok,
    Record,
    Restored,
    Shown,
    Skipped,
    read,
)
from tests.chaos.invitations import check_blocks
from tests.chaos.planted import PLANTED, change_of, lose_what_nobody_was_told_of, shown, shown_at
from tests.chaos.planted_invitations import PLANTED_INVITATIONS
from tests.chaos.restores import Logs
from tests.chaos.verdict import KEPT, Findings, Verdict


def verdict_on(history: Healthy, *, with_log: bool = True) -> Verdict:
    return check(history.records, history.log if with_log else None, history.registered)


def caught(verdict: Verdict) -> dict[str, int]:
    return {letter: count for letter, count in verdict.counts.items() if count}


@pytest.fixture
def history() -> Healthy:
    return Healthy(random.Random(1))


@pytest.mark.parametrize("with_log", [True, False])
def test_a_healthy_history_passes(history: Healthy, with_log: bool) -> None:
    verdict = verdict_on(history, with_log=with_log)
    assert verdict.passed, verdict.violations
    assert (verdict.operations, verdict.acked, verdict.unknown, verdict.faults) == (42, 37, 3, {"kill": 1})
    assert verdict.checked > 150
    assert verdict.shown > verdict.repeats > 0
    assert verdict.markers == 1
    assert verdict.invited == 2


@pytest.mark.parametrize(("damage", "letter"), [*PLANTED, *PLANTED_INVITATIONS])
def test_each_planted_fault_is_caught(
    history: Healthy, damage: Callable[[Healthy], None], letter: str
) -> None:
    damage(history)
    verdict = verdict_on(history)
    assert list(caught(verdict)) == [letter], verdict.violations
    assert not verdict.passed
    assert {violation.letter for violation in verdict.violations} == {letter}


def test_without_a_log_a_hole_is_still_seen(history: Healthy) -> None:
    lose_what_nobody_was_told_of(history)
    assert caught(verdict_on(history, with_log=False)) == {"O": 1}


def test_what_came_before_the_first_owed_is_not_missed(history: Healthy) -> None:
    history.registered["bob", "desk"] = {"a": 4, "b": 1}
    for index in reversed(shown(history)[:3]):
        del history.records[index]
    assert verdict_on(history).passed
    del history.records[shown(history)[0]]
    assert caught(verdict_on(history)) == {"L": 1}


def test_a_marker_excuses_what_it_covers_and_no_more(history: Healthy) -> None:
    first, last = shown_at(history, 5), shown_at(history, 7)
    indexes = shown(history)[5:8]
    history.records[indexes[-1]] = Skipped(last.t, "bob", "desk", 1, "a", first.seq, last.seq, "retention")
    for index in reversed(indexes[:-1]):
        del history.records[index]
    history.records = [one for one in history.records if not (isinstance(one, Shown) and one.repeat)]
    assert verdict_on(history).passed
    del history.records[shown(history)[5]]
    assert caught(verdict_on(history)) == {"L": 1}


def test_two_senders_may_use_one_id(history: Healthy) -> None:
    value = history.log["a"][4]
    sender = next(
        one.sender for one in history.records if isinstance(one, Invoke) and one.event_id == value[0]
    )
    history.records.append(Invoke(history.now(), 98, "bob" if sender == "ann" else "ann", "a", *value))
    history.records.append(Ok(history.now(), 98, history.store("a", *value)))
    assert verdict_on(history).passed


def test_a_block_excuses_itself_when_it_ends_or_may_be_lost(history: Healthy) -> None:
    """By an unblocking that has begun, or a restored backup."""
    index, invitation = change_of(history, healthy.ASKED_AGAIN)
    began = invitation.t - 0.8
    block = [Block(began, 130, healthy.INVITED, "ann", True), Ok(began + 0.2, 130, 0)]
    taken_back = Block(began + 0.5, 131, healthy.INVITED, "ann", False)
    restored = Restored(began + 0.5, 0.0, "other", {})
    for excuse, expected in ((taken_back, {}), (restored, {}), (None, {"X": 1})):
        before, behind = history.records[:index], history.records[index:]
        found = Findings()
        asked = {one.op: one for one in (*before, *behind) if isinstance(one, Change)}
        acked = {one.op: one for one in (*before, *block, *behind) if isinstance(one, Ok)}
        blocks = {one.op: one for one in (*block, excuse) if isinstance(one, Block)}
        logs = Logs([excuse] if isinstance(excuse, Restored) else [])
        check_blocks(found, asked, blocks, acked, logs)
        assert caught(found.verdict()) == expected


def test_all_violations_are_counted_and_some_are_kept(history: Healthy) -> None:
    history.records = [one for one in history.records if not isinstance(one, Shown)]
    verdict = verdict_on(history)
    assert verdict.counts["L"] > 100
    assert len(verdict.violations) == KEPT


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    choice=st.integers(0, 10_000),
    how=st.sampled_from(["drop", "duplicate", "swap"]),
)
def test_no_damage_to_what_was_shown_goes_unseen(seed: int, choice: int, how: str) -> None:
    history = Healthy(random.Random(seed))
    assert verdict_on(history).passed
    firsts = [index for index, one in enumerate(history.records) if isinstance(one, Shown) and not one.repeat]
    place = firsts[choice % len(firsts)]
    record = history.records[place]
    assert isinstance(record, Shown)
    others = shown(history, record.profile, record.device, record.room)
    if how == "drop":
        del history.records[place]
    elif how == "duplicate":
        history.records.insert(place, record)
    else:
        other = next(index for index in others if index != place)
        history.records[place], history.records[other] = history.records[other], record
    assert not verdict_on(history).passed


def test_a_history_survives_being_written_down(history: Healthy, tmp_path: Path) -> None:
    with History(tmp_path / "history.jsonl") as written:
        for record in history.records:
            written.add(record)
    found: list[Record] = list(read(tmp_path / "history.jsonl"))
    assert found == history.records == written.records
