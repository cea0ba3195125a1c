"""Places and orders of lists. Each list's test walks its pages: its subject's test_store.py."""

import pytest

from chatd.default.pages import Order, choose_order, read_place, write_place
from chatd.errors import InvalidArgument

BY_AGE = Order("age", "max(1, age)", ("t.name",))


def test_a_place_is_read_as_it_was_written() -> None:
    place = (-17, "bob", "", "ü")
    assert read_place(write_place(*place), int, str, str, str) == place
    assert read_place("", int, str) == ()


@pytest.mark.parametrize("text", ["x", "1", "x:bob", "1:bob:y", ":bob", f"{2**63}:bob", "1.5:bob"])
def test_what_is_no_place_of_the_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="no place of this list"):
        BY_AGE.read_place(text)


def test_the_orders_that_a_request_may_name() -> None:
    values = {"age": "age", "size": "size"}
    assert choose_order("", values, BY_AGE) == BY_AGE
    assert choose_order("size desc", values, BY_AGE).by == "size DESC, t.name"
    assert choose_order("age", values, BY_AGE).by == "age, t.name"
    for wanted in ("name", "size down", "size desc, age", "SIZE"):
        with pytest.raises(InvalidArgument, match="one of age, size"):
            choose_order(wanted, values, BY_AGE)
