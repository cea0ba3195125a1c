"""The order of a list that ``--sort`` asks for."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import typer

from chatctl.columns import Column, Columns

T = TypeVar("T")


def sort(rows: Sequence[T], columns: Columns[T], wanted: str) -> list[T]:
    """The rows by a column's values, such as "owed" or "owed:desc"; rows that are equal stay in
    their order. A column is named by its heading or its key. Raises typer.BadParameter."""
    column, descending = _read(columns, wanted)
    return sorted(rows, key=lambda row: _comparable(column.value(row)), reverse=descending)


def order_by(columns: Columns[T], wanted: str, known: Mapping[str, str]) -> str:
    """The order to ask the service for: ``known`` has its names of those that it knows, by the key
    of a column. Empty if it knows none by the column that is wanted. Raises typer.BadParameter."""
    if not wanted:
        return ""
    column, descending = _read(columns, wanted)
    name = known.get(column.key, "")
    return f"{name} desc" if name and descending else name


def _read(columns: Columns[T], wanted: str) -> tuple[Column[T], bool]:
    """The column; and whether the largest comes first."""
    name, mark, order = wanted.partition(":")
    if mark and order not in ("asc", "desc"):
        raise typer.BadParameter("give --sort COLUMN, COLUMN:asc or COLUMN:desc", param_hint="--sort")
    return _find(columns, name), order == "desc"


def _find(columns: Columns[T], name: str) -> Column[T]:
    for column in columns:
        if column.key and name and name in (column.heading, column.key, column.key.removesuffix("_us")):
            return column
    known = ", ".join(column.heading or column.key for column in columns if column.key)
    raise typer.BadParameter(f"there is no column '{name}'; there are {known}", param_hint="--sort")


def _comparable(value: object) -> tuple[bool, float, str]:
    """Numbers before texts, by their size."""
    if isinstance(value, int | float):
        return False, value, ""
    return True, 0.0, "" if value is None else str(value)
