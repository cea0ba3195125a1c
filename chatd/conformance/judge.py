"""Runs checks and says of each how it went."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from chatd.conformance.check import Check, Level, Outcome, Verdict
from chatd.conformance.findings import Failed, NotJudged
from chatd.conformance.stage import Stage

AT_ONCE = 4
"""Checks under way at once: most of their time is spent waiting."""

LONGEST = 120.0
"""Seconds for one check."""


async def judge(command: Sequence[str], checks: Iterable[Check]) -> AsyncIterator[Verdict]:
    """The verdicts, in the order of the checks."""
    places = asyncio.Semaphore(AT_ONCE)

    async def run(check: Check) -> Verdict:
        async with places:
            return await _judge(command, check)

    tasks = [asyncio.create_task(run(check)) for check in checks]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _judge(command: Sequence[str], check: Check) -> Verdict:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chatd-conformance-") as folder:
        async with Stage(command, Path(folder)) as stage:
            outcome, reason = Outcome.GOOD, ""
            try:
                async with asyncio.timeout(LONGEST):
                    await check.run(stage)
            except (Failed, TimeoutError) as exc:
                outcome = Outcome.BAD if check.level is Level.MUST else Outcome.WEAK
                said = stage.last_words
                reason = str(exc) or f"it takes more than {LONGEST:g} s"
                reason += f"; it said: {said}" if said else ""
            except NotJudged as exc:
                outcome, reason = Outcome.NOT_JUDGED, str(exc)
    return Verdict(check, outcome, reason, time.monotonic() - began)
