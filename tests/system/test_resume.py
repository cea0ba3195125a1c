"""A gateway with a thousand devices is killed: all of them are back, with what was said meanwhile.
`make bench` says how quickly."""

from pathlib import Path

import pytest

from tests.bench.resume import resume
from tests.system.deployment import Deployment

DEVICES = 1_000
LIMIT = 20.0
"""Seconds, beside other tests on the same cores; by itself it takes about two, and the goal is five
(`make bench`)."""


@pytest.mark.timeout(180)
async def test_a_thousand_devices_resume(tmp_path: Path) -> None:
    with Deployment(tmp_path, f"sqlite:///{tmp_path}/c.db", defaults=1, gateways=2) as deployment:
        times = await resume(deployment, DEVICES)
    print(
        f"resumed: p50 {times[DEVICES // 2]:.2f} s, p99 {times[DEVICES * 99 // 100]:.2f} s, last {times[-1]:.2f} s"
    )
    assert len(times) == DEVICES
    assert times[-1] < LIMIT
