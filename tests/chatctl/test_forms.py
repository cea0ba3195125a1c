"""The texts of the forms for programs."""

import csv
import json

import pytest

from chatctl.forms import csv_line, json_text, yaml_text


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("\t=1", "\\t=1"),
        ("a\r\n=1", "a\\r\\n=1"),
        ("\x1b[2J", "\\x1b[2J"),
        (-1, "-1"),
        (1.5, "1.5"),
        (True, "true"),
        (None, ""),
        ("日本", "日本"),
    ],
    ids=str,
)
def test_a_cell_of_csv_is_no_formula_and_steers_nothing(cell: object, written: str) -> None:
    assert next(csv.reader([csv_line([cell, "x"])])) == [written, "x"]


def test_a_quote_does_not_begin_a_new_cell() -> None:
    hostile = 'a",=1,"\n=2'
    assert next(csv.reader([csv_line([hostile])])) == ['a",=1,"\\n=2']


def test_what_has_parts_is_json_in_a_cell() -> None:
    parts = {"devices": ["=1", {"a": None}]}
    assert json.loads(next(csv.reader([csv_line([parts])]))[0]) == parts


def test_json_is_indented_for_people() -> None:
    assert json_text({"a": "é"}, indent=False) == '{"a": "\\u00e9"}'
    assert json_text({"a": 1}, indent=True) == '{\n  "a": 1\n}'


def test_yaml_repeats_what_is_the_same_thing() -> None:
    same = ["a"]
    assert yaml_text({"b": same, "c": same}, is_one_of_many=False) == "b:\n- a\nc:\n- a"
