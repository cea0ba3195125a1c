"""Harmful characters: one table, used wherever ids, texts and names come in or go out."""

import ast
import time
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest

from chatd.text import BREAKING, INVISIBLE, MAX_MARKS, REORDERING, SPACES, escaped, nfc, one_line

FAMILY, FLAG = "👨\u200d👩\u200d👧\u200d👦", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
AS_SENT = [
    FAMILY,
    FLAG,
    "می\u200cخواهم",
    "क्\u200dष",
    "☂\ufe0f",
    "thai\u200bword",
    "\ue000",
    "\u0378",
    "\U0001faff",
    "\U000323b0",
    "日本",
]
"""Joiners, tags, variation selectors, private use, and code points that Unicode has not assigned
yet."""
HARMFUL = (
    "\0\x07\x1b\t\n\r\x7f\x80\x9b\x9f\u2028\u2029\u061c\u200e\u200f\u202a\u202e"
    "\u2066\u2069\u206a\ud800\udfff\ufff9\ufffb"
)


@pytest.mark.parametrize("text", AS_SENT)
def test_what_steers_nothing_passes_as_it_was_sent(text: str) -> None:
    assert (escaped(text), one_line(text)) == (text, text)


@pytest.mark.parametrize("character", HARMFUL, ids=ascii)
def test_each_harmful_character_is_shown_as_an_escape_and_left_out_of_a_line(character: str) -> None:
    assert escaped(f"a{character}b") == f"a{character.encode('unicode_escape').decode()}b"
    assert one_line(f"a{character}b") in ("a b", "ab")


def test_ends_of_lines_are_spaces_and_bidi_controls_are_nothing() -> None:
    assert one_line("  two\r\n\tlines\u2028\x1b[31m, \u202etxt.exe\u202c \n") == "two lines [31m, txt.exe"


def test_composed_and_decomposed_are_the_same() -> None:
    assert nfc("cafe\u0301") == nfc("café") == "caf\xe9"


def test_a_heap_of_combining_marks_is_not_sorted() -> None:
    """A megabyte of them would take minutes."""
    heap = "a" + "\u0301\u0327" * 250_000
    began = time.perf_counter()
    assert nfc(heap) == heap
    assert nfc("e\u0301" * 250_000) == "\xe9" * 250_000
    assert time.perf_counter() - began < 1
    few = "a" + "\u0301\u0327" * (MAX_MARKS // 2)
    assert nfc(few) == unicodedata.normalize("NFC", few) != few
    assert nfc(few + "\u0301") == few + "\u0301"


def test_the_tables_are_in_order_and_do_not_overlap() -> None:
    for table in (BREAKING, REORDERING, SPACES, INVISIBLE):
        assert list(table) == sorted(table)
    ranges = sorted((*BREAKING, *REORDERING, *SPACES, *INVISIBLE))
    assert all(one[0] <= one[1] for one in ranges)
    assert all(one[1] < after[0] for one, after in pairwise(ranges))


def test_nothing_asks_the_interpreters_tables_what_is_harmful() -> None:
    root = Path(__file__).parent.parent
    asking = [
        f"{path.relative_to(root)}:{node.lineno}"
        for package in ("chatd", "chatctl")
        for path in (root / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"isprintable", "category", "bidirectional"}
    ]
    assert asking == []
