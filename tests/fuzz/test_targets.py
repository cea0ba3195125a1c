"""Every fuzz target on its seeds and on what is near to them; `make fuzz` goes on for longer."""

import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.near import inputs
from tests.fuzz.targets import MODULES, load

SECONDS = 1.0
LEAST = 30


@pytest.mark.parametrize("name", MODULES)
def test_the_seeds(name: str) -> None:
    target = load(name)
    for data in target.seeds.values():
        target.check(data)


@pytest.mark.parametrize("name", MODULES)
def test_what_is_near_to_the_seeds(name: str) -> None:
    """The same inputs each time, as many as there is time for."""
    target = load(name)
    end, tried, found = 0.0, 0, False

    @settings(
        max_examples=300,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(inputs(target.seeds.values()))
    def search(data: bytes) -> None:
        nonlocal end, tried, found
        end = end or time.monotonic() + SECONDS
        if not found and tried >= LEAST and time.monotonic() >= end:
            return
        tried += 1
        try:
            target.check(data)
        except BaseException:
            found = True  # the shortest such input is looked for, however long it takes
            raise

    search()
    assert tried >= LEAST
