"""Characters that steer a terminal or reorder text, in one table, and what is done with them: ids
refuse them, previews and reasons leave them out, logs and chatctl show escapes.

The table names code points, not Unicode's categories: joiners of emoji, Persian and Hindi are
format characters too, and a category is only as new as the interpreter. All other characters, also
those that a later Unicode will assign, pass as they were sent.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

Ranges = tuple[tuple[int, int], ...]
"""Code points, first and last of each range."""

BREAKING: Ranges = (
    (0x0000, 0x001F),  # C0: escape sequences begin here; ends of lines, tabs
    (0x007F, 0x009F),  # DEL and C1
    (0x2028, 0x2029),  # line and paragraph separator
)
"""Controls and ends of lines. In one line of text each is worth a space."""
REORDERING: Ranges = (
    (0x061C, 0x061C),  # Arabic letter mark
    (0x200E, 0x200F),  # left-to-right and right-to-left mark
    (0x202A, 0x202E),  # embeddings and overrides
    (0x2066, 0x2069),  # isolates
    (0x206A, 0x206F),  # deprecated: symmetric swapping, shaping, digit shapes
    (0xD800, 0xDFFF),  # lone surrogates, which no UTF-8 can hold
    (0xFFF9, 0xFFFB),  # interlinear annotations: terminals hide or move what they enclose
)
"""Bidi controls and the like, which show nothing themselves."""
SPACES: Ranges = (
    (0x0020, 0x0020),
    (0x00A0, 0x00A0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
)
"""White space besides that in ``BREAKING``."""
INVISIBLE: Ranges = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x200B, 0x200B),  # zero width space; the joiners U+200C and U+200D are part of words and emoji
    (0x2060, 0x2064),  # word joiner, invisible operators
    (0xFEFF, 0xFEFF),  # zero width no-break space
)
"""Harmless in a text. In an id they would only make two that look alike."""


def characters(*tables: Ranges) -> str:
    """The class of a regular expression that matches any character of the tables."""
    ranges: Iterable[tuple[int, int]] = (one for table in tables for one in table)
    return "[" + "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges) + "]"


_HARMFUL = re.compile(characters(BREAKING, REORDERING))
_BREAKING = re.compile(characters(BREAKING))
_REORDERING = re.compile(characters(REORDERING))
_SPACES = re.compile(" +")
MAX_MARKS = 30
"""Combining marks in a row that a text is normalised with: as many as in Unicode's Stream-Safe Text
Format (UAX #15)."""


def escaped(text: str) -> str:
    """The text with a visible escape, such as ``\\x1b``, for each harmful character."""
    return _HARMFUL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The text in one line without harmful characters; spaces in a row become one."""
    line = _BREAKING.sub(" ", _REORDERING.sub("", text))
    return _SPACES.sub(" ", line).strip(" ")


def nfc(text: str) -> str:
    """The text in Unicode's Normalization Form C: "é" is one character, however it was typed. A
    text that ``is_overloaded`` stays as it is."""
    return text if text.isascii() or is_overloaded(text) else unicodedata.normalize("NFC", text)


def is_overloaded(text: str) -> bool:
    """True if more than MAX_MARKS combining marks follow each other: they are sorted in the square
    of their number, a megabyte of them in minutes."""
    return _marks().search(text) is not None


@cache
def _marks() -> "regex.Pattern[str]":
    import regex  # here: it takes longer to import than all else that chatctl needs of this module

    return regex.compile(rf"\P{{Canonical_Combining_Class=0}}{{{MAX_MARKS + 1}}}")
