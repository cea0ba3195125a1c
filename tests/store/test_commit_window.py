"""CommitWindow: the commands that wait for others before a transaction, and for how many."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chatd.store.command import Turn
from chatd.store.commit_window import ENOUGH, REMEMBERED, WINDOW, CommitWindow

FOREVER = 1_000.0
"""Seconds; no test waits so long: something else must end the wait."""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def promised_after(transactions: int, *, commands: int, apart: float, seconds: float = WINDOW) -> int:
    """The commands that are waited for after so many transactions, ``apart`` seconds."""
    clock = Clock()
    window = CommitWindow({turn: deque[str]() for turn in Turn}, now=clock, seconds=seconds)
    for _ in range(transactions):
        clock.now += apart
        window.begin(commands)
    return window.promised()


@pytest.mark.parametrize(
    ("commands", "apart", "promised"),
    [
        pytest.param(1, WINDOW / 10, 0, id="a lone sender's sends follow each other as fast as they can"),
        pytest.param(3, WINDOW, 3, id="as many as their rate promises for the window"),
        pytest.param(3, WINDOW / 4, 3, id="no more than there have been lately: who else should come?"),
        pytest.param(3, WINDOW * 2, 0, id="they come too seldom for more than one to come"),
        pytest.param(200, WINDOW, ENOUGH, id="a large transaction needs no more"),
    ],
)
def test_commands_wait_for_others_only_where_several_come_within_the_window(
    commands: int, apart: float, promised: int
) -> None:
    assert promised_after(10 * REMEMBERED, commands=commands, apart=apart) == promised


def test_one_large_transaction_raises_what_is_waited_for_for_a_while() -> None:
    clock = Clock()
    window = CommitWindow({turn: deque[str]() for turn in Turn}, now=clock)
    promised = []
    for commands in [2] * 10 * REMEMBERED + [8] + [2] * 10 * REMEMBERED:
        clock.now += WINDOW / 4
        window.begin(commands)
        promised.append(window.promised())
    assert promised[10 * REMEMBERED - 1] == promised[-1] == 2
    assert max(promised) == promised[10 * REMEMBERED] == 8


def test_nobody_waits_at_first_and_after_a_quiet_time() -> None:
    clock = Clock()
    window = CommitWindow({turn: deque[str]() for turn in Turn}, now=clock)
    assert not window.promised()
    for _ in range(REMEMBERED):
        clock.now += WINDOW / 2
        window.begin(3)
    assert window.promised()
    clock.now += 1.0
    assert not window.promised(), "the first one, either"
    window.begin(3)
    assert not window.promised()


def test_transactions_without_commands_of_callers_change_nothing() -> None:
    clock = Clock()
    window = CommitWindow({turn: deque[str]() for turn in Turn}, now=clock)
    for _ in range(10 * REMEMBERED):
        clock.now += WINDOW / 4
        window.begin(0)
        clock.now += WINDOW / 4
        window.begin(3)
    assert window.promised() == 3


def busy_window(queues: dict[Turn, deque[str]], wanted: int = 2) -> CommitWindow:
    """A window that so many commands are wanted for, however long it takes."""
    clock = Clock()
    window = CommitWindow(queues, now=clock, seconds=FOREVER)
    for _ in range(10 * REMEMBERED):
        clock.now += FOREVER
        window.begin(wanted)
    return window


@contextmanager
def waiting(
    queues: dict[Turn, deque[str]], wanted: int = 2
) -> Iterator[tuple[CommitWindow, threading.Thread]]:
    """A window that a thread waits for with one command, until what the body does."""
    window = busy_window(queues, wanted)
    queues[Turn.NORMAL].append("first")
    thread = threading.Thread(target=window.wait, daemon=True)
    thread.start()
    window.look(Turn.NORMAL)
    thread.join(0.01)
    assert thread.is_alive()
    yield window, thread
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("turn", [Turn.NORMAL, Turn.URGENT])
def test_the_wait_ends_with_the_last_command_wanted_and_with_an_urgent_one(turn: Turn) -> None:
    queues = {turn: deque[str]() for turn in Turn}
    with waiting(queues) as (window, _):
        queues[turn].append("second")
        window.look(turn)


def test_an_urgent_command_behind_another_of_its_owner_ends_the_wait() -> None:
    queues = {turn: deque[str]() for turn in Turn}
    with waiting(queues, wanted=3) as (window, _):
        queues[Turn.NORMAL].append("urgent, but second")
        window.look(Turn.URGENT)


def test_nothing_waits_when_no_send_has_come() -> None:
    queues = {turn: deque[str]() for turn in Turn}
    queues[Turn.BACKGROUND].append("acks")
    thread = threading.Thread(target=busy_window(queues).wait, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def test_background_commands_do_not_end_the_wait_but_the_writer_s_end_does() -> None:
    queues = {turn: deque[str]() for turn in Turn}
    with waiting(queues) as (window, thread):
        queues[Turn.BACKGROUND].append("acks")
        window.look(Turn.BACKGROUND)
        thread.join(0.01)
        assert thread.is_alive()
        window.end()


@pytest.mark.parametrize(("turn", "commands"), [(Turn.NORMAL, 2), (Turn.URGENT, 1)])
def test_what_is_there_already_is_not_waited_for(turn: Turn, commands: int) -> None:
    queues = {turn: deque[str]() for turn in Turn}
    queues[turn].extend(["command"] * commands)
    thread = threading.Thread(target=busy_window(queues).wait, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("senders", [2, 4, 8, 15])
def test_senders_that_each_wait_for_an_answer_wait_for_nobody_else(senders: int) -> None:
    queues = {turn: deque[str]() for turn in Turn}
    clock = Clock()
    window = CommitWindow(queues, now=clock, seconds=FOREVER)

    def transact() -> None:
        for _ in range(10 * REMEMBERED):
            queues[Turn.NORMAL].extend(["send"] * senders)
            window.wait()
            queues[Turn.NORMAL].clear()
            clock.now += WINDOW / 4

    thread = threading.Thread(target=transact, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
