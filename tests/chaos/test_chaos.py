"""The quick part: half a minute of faults on each engine, seeded, judged like the long part (`make
chaos`). On SQLite every connection is encrypted."""

import random
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.chaos.report import Report
from tests.chaos.run import Run
from tests.databases import cluster

SECONDS = 22


async def run(folder: Path, engine: str) -> Report:
    random.seed(7)
    with cluster() if engine == "postgres" else nullcontext() as running:
        chaos = Run(folder, engine, running, seed=7, pace=0.05, say=print, curve=engine == "sqlite", gap=0.75)
        return await chaos.run(seconds=SECONDS, round_seconds=SECONDS)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_chaos(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if engine == "postgres":
        request.getfixturevalue(
            "postgres_uri"
        )  # skips where PostgreSQL is missing; the run has a cluster of its own
    report = await run(tmp_path, engine)
    assert report.passed, "\n".join(
        [
            f"seed {report.seed}",
            *report.violations,
            f"not drained: {report.undrained}",
            f"RSS: {report.max_rss}",
        ]
    )
    assert report.acked > 500
    assert report.checked > 5_000
    assert report.faults["kill"] >= 5
    assert report.begun >= 1
    assert report.rewound >= 1
    assert report.faults["restore"] >= 1
    assert report.written > 0
    assert report.invited >= 1
