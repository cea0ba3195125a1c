from chatctl.columns import Column, Columns
from chatctl.top.page import in_order, matching, page

COLUMNS: Columns[tuple[str, int]] = (
    Column("name", "name", get=lambda row: row[0]),
    Column("events", "events", "{:,}".format, get=lambda row: row[1]),
)
PAGE = page([("b", 5), ("a", 1_000), ("C", 20)], COLUMNS, key=lambda row: row[0])


def names(rows: object) -> str:
    return "".join(row.key for row in rows)  # type: ignore[attr-defined]


def test_rows_are_ordered_by_what_they_are_not_by_how_they_look() -> None:
    assert names(in_order(PAGE, 1, reverse=True)) == "aCb"
    assert names(in_order(PAGE, 1, reverse=False)) == "bCa"
    assert names(in_order(PAGE, 0, reverse=False)) == "Cab"


def test_a_filter_looks_into_every_cell() -> None:
    assert names(matching(PAGE.rows, "c")) == "C"
    assert names(matching(PAGE.rows, "1,000")) == "a"
    assert names(matching(PAGE.rows, "")) == "baC"


def test_texts_of_strangers_are_harmless() -> None:
    (row,) = page([("\x1b[31m\u202e", 1)], COLUMNS, key=lambda row: "k").rows
    assert row.cells[0].isprintable()
    assert "\x1b" not in row.cells[0]
