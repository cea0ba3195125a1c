"""Texts cut into words, and folded."""

import time

import pytest

from chatd.default.search.words import LONGEST, MAX_REPEATED, MAX_WORDS, fold, indexed_words, words


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello, World! don't foo_bar", "hello world don t foo bar"),
        ("Straße STRASSE Ångström İstanbul", "strasse strasse angstrom istanbul"),
        ("Ёлка ёлка Ὀδυσσεύς ΟΔΥΣΣΕΥΣ", "елка елка οδυσσευσ οδυσσευσ"),
        ("שָׁלוֹם مَرْحَبًا مـرحبا", "שלום مرحبا مرحبا"),
        ("東京都 が か\u3099", "東京 京都 都 が が"),
        ("ｶﾞｯｺｳ", "ガッ ッコ コウ ウ"),
        ("สวัสดี", "สวั วัส สดี ดี"),
        ("हिन्दी 한국어", "हिन्दी 한국어"),
        ("東京tower中", "東京 京 tower 中"),
        ("👍🏽 👨‍👩‍👧 🇩🇪 ok", "👍 👨 👩 👧 🇩 🇪 ok"),
        ("½ ⅳ ① Ａｂ", "1 2 iv 1 ab"),
        ("a\0b\u202ec\u200bd", "a b c d"),
        ("\ue000abc \ue001", "abc"),
        ("' \" \\ * & | : -- ()", ""),
    ],
)
def test_words(text: str, wanted: str) -> None:
    assert " ".join(word.text for word in words(text)) == wanted


def test_a_word_knows_its_place_in_the_text() -> None:
    text = "Die Straße, 東京!"
    assert [text[word.begin : word.end] for word in words(text)] == ["Die", "Straße", "東京", "京"]


def test_folding_twice_changes_nothing() -> None:
    for text in ("ŒUVRE", "ﬁx", "Ǆ", "ẞ", "ΐ", "か\u3099", "क़", "\u0345", "\u1e9b\u0323"):
        assert fold(fold(text)) == fold(text)


def test_what_is_indexed_of_a_text_is_bounded() -> None:
    assert len(indexed_words(" ".join(f"w{number}" for number in range(5_000)))) == MAX_WORDS
    assert indexed_words("ha " * 1_000) == ["ha"] * MAX_REPEATED
    assert indexed_words("x" * 60_000) == ["x" * LONGEST]
    assert indexed_words("") == []


@pytest.mark.parametrize("unit", ["a\u0301", "東", "\u0301", "👍", "a ", "か\u3099"])
def test_hostile_texts_take_no_time(unit: str) -> None:
    began = time.process_time()
    indexed_words(unit * 30_000)
    assert time.process_time() - began < 5
