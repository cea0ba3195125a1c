from hypothesis import given
from hypothesis import strategies as st

from chatctl.chat.stretches import Stretches


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 8))))
def test_it_holds_what_was_added_and_nothing_else(added: list[tuple[int, int]]) -> None:
    stretches, wanted = Stretches(), set[int]()
    for first, more in added:
        stretches.add(first, first + more)
        wanted |= set(range(first, first + more + 1))
    assert {seq for seq in range(60) if seq in stretches} == wanted


def test_neighbours_become_one() -> None:
    stretches = Stretches()
    for seq in (1, 3, 2, 7):
        stretches.add(seq, seq)
    assert stretches._ranges == [(1, 3), (7, 7)]
