"""Rows are divided into statements that are few, and found prepared."""

import pytest

from chatd.store.statements import MAX_VARIABLES, STATEMENTS_KEPT, WHOLE_ROWS, chunks


@pytest.mark.parametrize("count", [0, 1, 5, 39, 64, 1_000, 9_999, 70_001])
def test_chunks_have_few_sizes_and_lose_nothing(count: int) -> None:
    parts = list(chunks(range(count), columns=10))
    assert [row for part in parts for row in part] == list(range(count))
    assert all(len(part) * 10 <= MAX_VARIABLES for part in parts)


@pytest.mark.parametrize("count", range(1, WHOLE_ROWS + 1))
def test_a_small_batch_is_one_statement(count: int) -> None:
    assert len(list(chunks(range(count), columns=10))) == 1


def test_statements_of_batches_of_all_sizes_are_kept_prepared() -> None:
    sizes = {len(part) for count in range(1, 1_001) for part in chunks(range(count), columns=2)}
    assert len(sizes) <= WHOLE_ROWS + 10
    assert 12 * len(sizes) <= STATEMENTS_KEPT, "those that a send, its acks and its marks take"
