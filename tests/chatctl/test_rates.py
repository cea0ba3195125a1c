from chatctl.rates import PAST, Rates


def test_a_rate_is_between_two_looks() -> None:
    rates = Rates()
    rates.look(10.0, "a", {"sent": 100})
    assert rates.latest("sent") == 0.0
    rates.look(12.0, "a", {"sent": 150})
    assert rates.latest("sent") == 25.0


def test_a_process_that_was_started_anew_is_no_burst() -> None:
    rates = Rates()
    rates.look(10.0, "a", {"sent": 100})
    rates.look(11.0, "b", {"sent": 1_000})
    assert rates.latest("sent") == 0.0
    rates.look(12.0, "b", {"sent": 1_001})
    assert rates.latest("sent") == 1.0


def test_bars_show_the_past_and_no_more() -> None:
    rates = Rates()
    for at, count in enumerate((0, 0, 10, 15)):
        rates.look(float(at), "a", {"sent": count})
    assert rates.bars("sent", 10) == "▁█▅"
    assert rates.bars("sent", 2) == "█▅"
    assert rates.bars("nothing", 5) == ""
    for at in range(2 * PAST):
        rates.look(100.0 + at, "a", {"sent": 15})
    assert rates.bars("sent", 2 * PAST) == "▁" * PAST
