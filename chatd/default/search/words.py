"""Words of a text, folded: the index and the queries are made of these, so that both databases find
the same. A database splits nothing and folds nothing itself.

Case, accents and compatibility forms are folded. Scripts that have no spaces between words
(Chinese, Japanese, Thai and their like) are cut into pairs of characters: 東京都 is 東京, 京都, 都.
An emoji is a word.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import regex

LONGEST = 64
"""Characters of a word that count; PostgreSQL takes up to 2,046 bytes."""
MAX_WORDS = 2_000
"""Words of one text that are indexed, the first ones."""
MAX_REPEATED = 255
"""A text is indexed up to the place where a word has come so often: PostgreSQL remembers no
more."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー"
_MARKS = r"\p{M}\uff9e\uff9f"
_PIECE = regex.compile(
    rf"(?P<unspaced>[{_UNSPACED}][{_UNSPACED}{_MARKS}]*)"
    rf"|(?P<word>[[\p{{L}}\p{{N}}]--[{_UNSPACED}]][[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]*)"
    r"|[\p{So}\p{Extended_Pictographic}]",
    regex.V1,
)
_UNIT = regex.compile(rf".[{_MARKS}]*", regex.DOTALL)
_LETTERS = regex.compile(r"[\p{L}\p{N}\p{M}]+")
_ACCENTS = dict.fromkeys((*range(0x300, 0x370), *range(0x591, 0x5C8), 0x640, *range(0x64B, 0x660), 0x670))
"""Accents of Latin, Greek and Cyrillic, the points of Hebrew and Arabic. Other scripts' marks are
letters of theirs."""


class Word(NamedTuple):
    """A word, and the part of the text that it was. ``is_last_unit``: the last character of
    unspaced text, which is a word by itself."""

    text: str
    begin: int
    end: int
    is_unspaced: bool = False
    is_last_unit: bool = False


def fold(text: str) -> str:
    """The text without differences of case, accents and compatibility forms."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", decomposed.translate(_ACCENTS))


def words(text: str) -> Iterator[Word]:
    """All words of a text, in order."""
    for piece in _PIECE.finditer(text):
        if piece.lastgroup == "word":
            for word in _LETTERS.findall(fold(piece[0])):
                yield Word(word[:LONGEST], piece.start(), piece.end())
        elif piece.lastgroup == "unspaced":
            yield from _pairs(piece[0], piece.start())
        else:
            yield Word(piece[0], piece.start(), piece.end())


def _pairs(text: str, at: int) -> Iterator[Word]:
    units = [
        (folded, at + unit.start(), at + unit.end())
        for unit in _UNIT.finditer(text)
        if (folded := "".join(_LETTERS.findall(fold(unit[0]))))
    ]
    for number, (unit, begin, end) in enumerate(units):
        if number + 1 < len(units):
            following, _, its_end = units[number + 1]
            yield Word((unit + following)[:LONGEST], begin, its_end, is_unspaced=True)
        else:
            yield Word(unit[:LONGEST], begin, end, is_unspaced=True, is_last_unit=True)


def indexed_words(text: str) -> list[str]:
    """The words of a text that are indexed."""
    found: list[str] = []
    counts: Counter[str] = Counter()
    for word in words(text):
        counts[word.text] += 1
        if len(found) == MAX_WORDS or counts[word.text] > MAX_REPEATED:
            break
        found.append(word.text)
    return found
