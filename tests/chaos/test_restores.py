"""The checker on histories in which a backup was restored: what it lost is named and is no
violation; all else is judged as ever, by its own letter."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.checker import check
from tests.chaos.healthy import DEVICES, GUEST, MEMBERS, Healthy
from tests.chaos.history import Change, Fail, Invoke, Ok, Restored, Shown
from tests.chaos.report import RESTORES, Report
from tests.chaos.test_checker import caught, verdict_on
from tests.chaos.verdict import Verdict

NEW = "y"
LOST, KEPT, AFTER, MOVED = 200, 201, 202, 203
"""Operations: acknowledged behind the backup and lost, acknowledged in the middle of it and in it,
sent after the restore, and a change of membership that is lost."""


class WentBack(Healthy):
    """Behind the healthy history a backup is made, one event and one change more are stored and
    shown, the backup is restored, and another event takes the place of the first."""

    def __init__(self) -> None:
        super().__init__(random.Random(1))
        since = self.now()
        self._send(KEPT, "a", "ann", again=False)
        heads = {room: max(log) for room, log in self.log.items()}
        self._send(LOST, "a", "ann", again=False)
        self.records.append(Change(self.now(), MOVED, GUEST, "a", joins=True))
        self.records.append(Ok(self.now(), MOVED, heads["a"] + 2))
        self.log["a"].pop(heads["a"] + 1)
        self.records.append(Restored(self.now(), since, NEW, heads))
        self.begin = len(self.records)
        self._send(AFTER, "a", "ann", again=False)
        self.records[self.begin :] = [
            replace(one, log=NEW) if isinstance(one, Shown) else one for one in self.records[self.begin :]
        ]

    def judged(self) -> Verdict:
        return verdict_on(self)

    def shown(self, device: str, event_id: str) -> int:
        return next(
            index
            for index, one in enumerate(self.records)
            if isinstance(one, Shown) and (one.profile, one.device, one.event_id) == ("bob", device, event_id)
        )


def test_what_the_restore_lost_is_named_and_is_no_violation() -> None:
    history = WentBack()
    seq = max(history.log["a"])
    verdict = history.judged()
    assert verdict.passed, verdict.violations
    assert verdict.lost_by_restore == (f"e{LOST} at a {seq}", f"{GUEST}'s joining of a at {seq + 1}")


def test_without_the_restore_it_would_be_one() -> None:
    history = WentBack()
    history.records = [one for one in history.records if not isinstance(one, Restored)]
    assert "L" in caught(history.judged()) or "V" in caught(history.judged())


def test_what_is_stored_afterwards_has_to_be_shown() -> None:
    history = WentBack()
    del history.records[history.shown("desk", f"e{AFTER}")]
    assert caught(history.judged()) == {"L": 1}


def test_what_was_dropped_as_if_it_had_been_shown_is_lost() -> None:
    """The device has compared a seq with those of the log before."""
    history = WentBack()
    index = history.shown("desk", f"e{AFTER}")
    one = history.records[index]
    assert isinstance(one, Shown)
    history.records[index] = replace(one, repeat=True)
    assert caught(history.judged()) == {"L": 1}


def test_what_the_backup_has_may_come_again() -> None:
    history = WentBack()
    one = history.records[history.shown("desk", f"e{KEPT}")]
    assert isinstance(one, Shown)
    history.records.insert(history.begin, replace(one, log=NEW))
    assert history.judged().passed
    history.records.insert(history.begin, replace(one, log=NEW))
    assert caught(history.judged()) == {"D": 1}


def test_what_was_acknowledged_before_the_backup_is_in_it() -> None:
    history = WentBack()
    restored = next(one for one in history.records if isinstance(one, Restored))
    later = replace(restored, since=restored.t)
    history.records[history.records.index(restored)] = later
    verdict = history.judged()
    assert (verdict.lost_by_restore, "L" in caught(verdict) or "V" in caught(verdict)) == ((), True)


def test_a_device_that_the_backup_does_not_know_may_begin_anew_behind_it() -> None:
    history = WentBack()
    del history.records[history.shown("desk", f"e{KEPT}")]
    assert caught(history.judged()) == {"L": 1}
    del history.registered["bob", "desk"]
    verdict = history.judged()
    assert verdict.passed, verdict.violations
    mine = [
        one
        for one in history.records
        if isinstance(one, Shown) and (one.profile, one.device, one.room) == ("bob", "desk", "a")
    ]
    history.records = [
        one for one in history.records if one not in mine or one.seq != mine[len(mine) // 2].seq
    ]
    assert caught(history.judged()) == {"O": 1}, "within a log nothing is left out"


def alter(history: WentBack) -> None:
    index = history.shown("desk", f"e{LOST}")
    one = history.records[index]
    assert isinstance(one, Shown)
    history.records[index] = replace(one, body_hash="another")


def leak(history: WentBack) -> None:
    index = history.shown("desk", f"e{LOST}")
    one = history.records[index]
    assert isinstance(one, Shown)
    history.records[index] = replace(one, recipient="ann")


def repeat(history: WentBack) -> None:
    index = history.shown("desk", f"e{LOST}")
    history.records.insert(index, history.records[index])


@pytest.mark.parametrize(("damage", "letter"), [(alter, "U"), (leak, "X"), (repeat, "O")])
def test_what_was_shown_and_is_lost_was_right_all_the_same(
    damage: Callable[[WentBack], None], letter: str
) -> None:
    history = WentBack()
    damage(history)
    assert caught(history.judged()) == {letter: 1}


def test_a_send_that_is_refused_after_the_restore_may_have_been_stored_before() -> None:
    """Its repetition came to a log that does not know it, and its sender was no member any more."""
    history = WentBack()
    ok = next(one for one in history.records if isinstance(one, Ok) and one.op == LOST)
    restored = next(one for one in history.records if isinstance(one, Restored))
    history.records.remove(ok)
    history.records.append(Fail(history.now(), LOST, 401))
    assert history.judged().passed
    history.records[-1] = Fail(restored.t - 1e-6, LOST, 401)
    assert set(caught(history.judged())) == {"U"}


def test_an_event_that_was_sent_afterwards_is_not_lost_by_the_restore() -> None:
    history = WentBack()
    seq = max(history.log["a"])
    del history.log["a"][seq]
    gone = f"e{AFTER}"
    history.records = [
        one for one in history.records if not (isinstance(one, Shown) and one.event_id == gone)
    ]
    verdict = history.judged()
    assert caught(verdict) == {"L": 1 + len(MEMBERS) * len(DEVICES)}, "the log, and each device"
    assert not any(gone in name for name in verdict.lost_by_restore)


def test_two_restores_keep_what_both_have() -> None:
    history = WentBack()
    seq = max(history.log["a"])
    gone = f"e{AFTER}"
    history.records.append(Restored(history.now(), 1e6, "z", {"a": seq - 1, "b": max(history.log["b"])}))
    del history.log["a"][seq]
    verdict = history.judged()
    assert (verdict.passed, gone in str(verdict.lost_by_restore)) == (False, False), "no backup is that young"
    last = history.records[-1]
    assert isinstance(last, Restored)
    invoke = next(one for one in history.records if isinstance(one, Invoke) and one.op == AFTER)
    history.records[-1] = replace(last, since=invoke.t)
    verdict = history.judged()
    assert verdict.passed, verdict.violations
    assert f"{gone} at a {seq}" in verdict.lost_by_restore
    assert check(history.records, None, history.registered).shown > len(MEMBERS) * len(DEVICES)


def test_a_log_whose_name_changes_by_itself_is_noticed() -> None:
    history = WentBack()
    index = history.shown("desk", f"e{AFTER}")
    one = history.records[index]
    assert isinstance(one, Shown)
    history.records[index] = replace(one, log="nobody's")
    assert caught(history.judged())["U"] == 1


def test_a_run_whose_restores_lose_nothing_has_failed() -> None:
    report = Report(1, "sqlite", checked=9, faults=Counter(restore=RESTORES))
    assert (report.is_blind, report.passed) == (True, False)
    report.lost_by_restore.append("e1 at a 1")
    assert report.passed
