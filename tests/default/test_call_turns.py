"""Calls take turns by what they cost, and the loop does other things in between."""

import asyncio
import time
from typing import NamedTuple

from chatd.default.call_turns import TURN_SECONDS, CallTurns


class Call(NamedTuple):
    owner: str
    seconds: float = 0.0


def of(call: Call) -> str:
    return call.owner


async def test_calls_that_are_cheap_are_answered_at_once() -> None:
    answered: list[Call] = []
    turns: CallTurns[Call] = CallTurns(asyncio.get_running_loop(), answered.append, owner_of=of)
    calls = [Call("ann"), Call("ben"), Call("ann"), Call("")]
    turns.add(calls)
    assert sorted(answered) == sorted(calls)
    assert len(turns) == 0


async def test_one_whose_calls_are_dear_waits_for_them_and_nobody_else_does() -> None:
    """A later task, also one of the loop's other work, waits for the call that is being answered,
    and not for those behind it."""
    answered: list[str] = []

    def answer(call: Call) -> None:
        time.sleep(call.seconds)
        answered.append(call.owner)

    turns: CallTurns[Call] = CallTurns(asyncio.get_running_loop(), answer, owner_of=of)
    turns.add([Call("ben", 2 * TURN_SECONDS)] * 20)
    assert answered == ["ben"]
    turns.add([Call("ann"), Call(""), Call("ann")])
    looked: list[int] = []
    asyncio.get_running_loop().call_soon(lambda: looked.append(len(answered)))
    async with asyncio.timeout(20):
        while len(turns):
            await asyncio.sleep(0)
    assert looked[0] <= 6, "other work of the loop has its turn"
    assert sorted(answered[1:5]) == ["", "ann", "ann", "ben"]
    assert answered.index("") <= 4
    assert answered.count("ben") == 20
