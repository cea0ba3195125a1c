from chatd.core.stream import Run, count_of


def test_events_of_several_runs_are_counted_together() -> None:
    assert count_of(()) == 0
    assert count_of((Run("a", 3, 3), Run("b", 1, 4))) == 5
