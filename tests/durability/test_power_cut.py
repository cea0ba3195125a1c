"""A few power cuts: FULL loses nothing, and the test would see it if it did. `make powercut` does a
hundred."""

import random
from pathlib import Path

import pytest

from tests.durability import loop_image
from tests.durability.power_cut import cut_first_start, cut_once


@pytest.fixture(scope="module", autouse=True)
def loop_devices() -> None:
    reason = loop_image.why_not()
    if reason:
        pytest.skip(reason)


def test_what_was_acknowledged_survives_power_cuts(tmp_path: Path) -> None:
    dice = random.Random(1)
    for _ in range(3):
        cut = cut_once(tmp_path, "FULL", dice)
        assert (cut.lost, cut.problem) == (0, "")
        assert cut.acked >= 200


def test_a_setting_that_loses_events_is_caught(tmp_path: Path) -> None:
    dice = random.Random(2)
    assert any(cut_once(tmp_path, "NORMAL", dice).lost for _ in range(10)), "the cut proves nothing"


@pytest.mark.parametrize("seconds", [0.0, 0.02, None])
def test_the_first_start_survives_a_power_cut(tmp_path: Path, seconds: float | None) -> None:
    """The token file was there with 0 bytes for half a minute, and its folder was not there at
    all."""
    assert cut_first_start(tmp_path, seconds).problem == ""
