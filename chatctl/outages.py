"""Work that goes on when chatd does: each attempt that no answer came to is made again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chatctl.output import Output
from chatctl.times import age
from chatd.errors import ChatdError, RateLimited

R = TypeVar("R")

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 5.0


async def until_it_answers(out: Output, attempt: Callable[[], Awaitable[R]]) -> R:
    """Make an attempt again and again, ever more rarely, as long as its error says that it may work
    later; say so at the beginning and at the end. It must do no harm twice."""
    pause, began = FIRST_SECONDS, time.monotonic()
    is_away = False
    while True:
        try:
            answer = await attempt()
        except ChatdError as exc:
            if not exc.retry or isinstance(exc, RateLimited):
                raise  # a limit is no outage
            if not is_away:
                out.say(f"waiting: {exc}")
            is_away = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_SECONDS)
        else:
            if is_away:
                out.say(f"it answers again, after {age(round((time.monotonic() - began) * 1e6))}")
            return answer
