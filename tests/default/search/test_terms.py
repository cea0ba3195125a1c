"""Queries: their terms, and what the databases are asked."""

import pytest

from chatd.default.search.terms import Term, fts5, parse, room_word, sender_word, tsquery, tsvector
from chatd.errors import InvalidArgument


def shown(query: str) -> list[str]:
    return [" ".join(term.words) + ("*" if term.is_prefix else "") for term in parse(query)]


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("Hello world", ["hello", "world"]),
        ('"hello world" again', ["hello world", "again"]),
        ('"open to the end', ["open to the end"]),
        ('a"b c"d', ["a", "b c", "d"]),
        ("tow* foo-bar*", ["tow*", "foo bar*"]),
        ("word word WORD", ["word"]),
        ("東京都", ["東京 京都"]),
        ("東", ["東*"]),
        ("東京* 京*", ["東京", "京*"]),
        ('"東京 tower"', ["東京 京 tower"]),
        ('"tower 東京"', ["tower 東京"]),
        ('"tower 東"', ["tower 東*"]),
        ("!!! yes ???", ["yes"]),
        ("AND OR NOT NEAR/2 col:x -y ^z", ["and", "or", "not", "near 2", "col x", "y", "z"]),
        ("'; DROP TABLE room; --", ["drop", "table", "room"]),
        ("👍🏽", ["👍"]),
        ('""x""', ["x"]),
    ],
)
def test_terms(query: str, terms: list[str]) -> None:
    assert shown(query) == terms


@pytest.mark.parametrize(
    "query",
    ["", "   ", '"""', "*", "a*", "\0", "x" * 1_001, " ".join(map(str, range(17))), '"' + "a b " * 40],
)
def test_queries_that_are_refused(query: str) -> None:
    with pytest.raises(InvalidArgument):
        parse(query)


def test_no_text_has_the_words_of_rooms_and_senders() -> None:
    for word in (room_word("r"), sender_word("r")):
        assert shown(f"{word} {word}*")[0] == word[1:]
    assert room_word("r")[1:] == sender_word("r")[1:]
    assert room_word("r") != sender_word("r")


def test_what_the_databases_are_asked() -> None:
    terms = (Term(("a", "b")), Term(("c", "d"), is_prefix=True))
    assert fts5(terms, ()) == '"a b" AND "c d" *'
    assert fts5(terms, ("x", "y")) == '"a b" AND "c d" * AND ("x" OR "y")'
    assert tsquery(terms, ("x", "y")) == "('a' <-> 'b') & ('c' <-> 'd':*) & (('x' | 'y'))"
    assert tsvector(["a", "b", "a"]) == "'a':1,3 'b':2"
