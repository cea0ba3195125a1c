"""The forms of output that ``--output`` names, and the texts of those for programs.

JSON and YAML are ASCII, so nothing in them steers a terminal. CSV is for spreadsheets: characters
that steer a terminal are escaped, and a text that a spreadsheet would take for a formula has a
' before it. A program that needs texts as they were sent takes JSON or YAML.
"""

import csv
import io
import json
from collections.abc import Iterable
from enum import StrEnum

from chatd.text import escaped

_FORMULA = tuple("=+-@＝＋－＠")
"""A cell that begins so is a formula; tabs and line breaks, which would hide these, are escaped."""


class Form(StrEnum):
    """``TABLE`` is the default on a terminal, ``PLAIN`` (cells between tabs) in a pipe."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"

    @property
    def structured(self) -> bool:
        """True for the forms that hold a noun's fields under their keys."""
        return self not in (Form.TABLE, Form.PLAIN)


def json_text(thing: object, *, indent: bool) -> str:
    """A document of JSON, without a line break at its end."""
    return json.dumps(thing, ensure_ascii=True, indent=2 if indent else None)


def yaml_text(thing: object, *, is_one_of_many: bool) -> str:
    """A document of YAML with the values that JSON has; one of many says where it begins."""
    import yaml  # here: few ask for it, and it takes 20 ms

    same = json.loads(json_text(thing, indent=False))  # no types of protobuf's, no anchors
    written = yaml.safe_dump(same, sort_keys=False, width=float("inf"), explicit_start=is_one_of_many)
    return str(written).removesuffix("\n")


def csv_line(cells: Iterable[object]) -> str:
    """A line of CSV, without a line break at its end."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([_csv_cell(cell) for cell in cells])
    return written.getvalue()


def _csv_cell(value: object) -> str:
    """Numbers and flags as in JSON; what has parts is JSON itself."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json_text(value, indent=False)
    text = escaped(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
