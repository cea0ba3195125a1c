"""A check: one thing that a client has to do, named as its statement in PROTOCOL.md."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from chatd.conformance.stage import Stage


class Level(Enum):
    """The word of the statement."""

    MUST = "MUST"
    SHOULD = "SHOULD"


class Outcome(Enum):
    GOOD = "good"
    BAD = "BAD"
    """A MUST was not met."""
    WEAK = "weak"
    """A SHOULD was not met."""
    NOT_JUDGED = "not judged"
    """The client does not use what the check is about."""


@dataclass(frozen=True, slots=True)
class Check:
    """``name`` is the statement's, with a word behind a hyphen if it has several checks."""

    name: str
    title: str
    level: Level
    run: Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason``: the difference, if the check is not good. ``seconds``: the time that it took."""

    check: Check
    outcome: Outcome
    reason: str
    seconds: float
