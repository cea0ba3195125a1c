"""Terms of a query: words, "phrases in quotes" and beginnings of words*, all of which a text must
have. There is no wrong syntax: an open quote ends with the query, and all other signs part words.

A term becomes a part of SQLite's or PostgreSQL's own query. It is made of words only, which hold
letters, digits and emoji.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import regex

from chatd.default.search.words import Word, words
from chatd.errors import InvalidArgument

MAX_QUERY = 1_000
"""Characters."""
MAX_TERMS = 16
MAX_TERM_WORDS = 64
"""The sum over all terms."""
SHORTEST_PREFIX = 2

_CHUNK = regex.compile(r'"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+)')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other; the last one may go on if ``is_prefix``."""

    words: tuple[str, ...]
    is_prefix: bool = False

    def spans(self, text: Sequence[Word], places: Mapping[str, Sequence[int]]) -> list[tuple[int, int]]:
        """The places of a text that match: begin and end. ``places``: numbers of its words."""
        size = len(self.words)
        if self.is_prefix and size == 1:
            firsts: Sequence[int] = [at for at, word in enumerate(text) if word.text.startswith(self.words)]
        else:
            firsts = places.get(self.words[0], ())
        return [
            (text[at].begin, self._end(text[at + size - 1]))
            for at in firsts
            if at + size <= len(text)
            and all(self._fits(number, text[at + number].text) for number in range(1, size))
        ]

    def _fits(self, number: int, word: str) -> bool:
        if self.is_prefix and number == len(self.words) - 1:
            return word.startswith(self.words[number])
        return word == self.words[number]

    def _end(self, word: Word) -> int:
        """The end of the word; if one unspaced character was looked for, its own end."""
        single = self.is_prefix and word.is_unspaced and not word.is_last_unit
        return word.begin + len(self.words[-1]) if single else word.end


def parse(query: str) -> tuple[Term, ...]:
    """The terms of a query, each once. Raises InvalidArgument for one that has none, or too
    many."""
    if len(query) > MAX_QUERY:
        raise InvalidArgument(f"the query has {len(query)} characters; at most {MAX_QUERY}")
    terms = dict.fromkeys(
        term
        for chunk in _CHUNK.finditer(query)
        if (term := _term(chunk["phrase"] or chunk["word"] or "")) is not None
    )
    if not terms:
        raise InvalidArgument("the query has no words")
    if len(terms) > MAX_TERMS or sum(len(term.words) for term in terms) > MAX_TERM_WORDS:
        raise InvalidArgument(f"a query has at most {MAX_TERMS} terms and {MAX_TERM_WORDS} words")
    return tuple(terms)


def _term(text: str) -> Term | None:
    found = list(words(text))
    if not found:
        return None
    last = found[-1]
    is_prefix = text.endswith("*")
    if last.is_last_unit:
        if len(found) > 1 and found[-2].is_unspaced and found[-2].end == last.end:
            found.pop()  # the pair before it says as much, wherever the text goes on
            is_prefix = False
        else:
            is_prefix = True
    elif is_prefix and len(last.text) < SHORTEST_PREFIX:
        raise InvalidArgument(f"a beginning has at least {SHORTEST_PREFIX} characters before its *")
    return Term(tuple(word.text for word in found), is_prefix)


def room_word(room_id: str) -> str:
    """The word by which a room's events are found. No text has such words: they begin with a
    character of private use."""
    return "\ue000" + _digest(room_id)


def sender_word(sender_id: str) -> str:
    """The same of a sender."""
    return "\ue001" + _digest(sender_id)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()


def fts5(terms: Sequence[Term], rooms: Sequence[str]) -> str:
    """The terms as SQLite's MATCH takes them; with ``rooms`` (words) only of these."""
    parts = [f'"{" ".join(term.words)}"{" *" if term.is_prefix else ""}' for term in terms]
    if rooms:
        parts.append("(" + " OR ".join(f'"{room}"' for room in rooms) + ")")
    return " AND ".join(parts)


def tsquery(terms: Sequence[Term], rooms: Sequence[str]) -> str:
    """The same for PostgreSQL."""
    parts = [
        " <-> ".join(f"'{word}'" for word in term.words) + (":*" if term.is_prefix else "") for term in terms
    ]
    if rooms:
        parts.append("(" + " | ".join(f"'{room}'" for room in rooms) + ")")
    return " & ".join(f"({part})" for part in parts)


def tsvector(found: Sequence[str]) -> str:
    """Words and their places, as PostgreSQL reads them."""
    places: dict[str, list[str]] = {}
    for number, word in enumerate(found, 1):
        places.setdefault(word, []).append(str(number))
    return " ".join(f"'{word}':{','.join(where)}" for word, where in places.items())
