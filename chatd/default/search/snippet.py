"""Snippets: the part of a text where the first match is, cut into what matches and what does
not."""

from collections.abc import Iterator, Sequence
from itertools import islice

from chatd.default.search.terms import Term
from chatd.default.search.words import MAX_WORDS, Word, words

LENGTH = 160
"""Characters of a snippet."""
BEFORE = 40
"""Characters of them before the first match, if there are so many."""

Part = tuple[str, bool]
"""A piece of the text, and True if it matches."""


def make_snippet(text: str, terms: Sequence[Term]) -> tuple[Part, ...]:
    """The parts; an ellipsis stands where the text was cut."""
    found = list(islice(words(text), MAX_WORDS))
    places: dict[str, list[int]] = {}
    for number, word in enumerate(found):
        places.setdefault(word.text, []).append(number)
    spans = sorted(span for term in terms for span in term.spans(found, places))
    begin, end = _window(text, found, spans[0][0] if spans else 0)
    parts = [("…", False)] if begin else []
    parts += _parts(text, begin, end, spans)
    if end < len(text):
        parts.append(("…", False))
    return tuple(parts)


def _window(text: str, found: Sequence[Word], first: int) -> tuple[int, int]:
    """It begins and ends where words do."""
    begin = 0
    if first > BEFORE:
        begin = next((word.begin for word in found if word.begin >= first - BEFORE), first)
    end = len(text)
    if end - begin > LENGTH:
        end = max((word.end for word in found if begin < word.end <= begin + LENGTH), default=begin + LENGTH)
    return begin, end


def _parts(text: str, begin: int, end: int, spans: Sequence[tuple[int, int]]) -> Iterator[Part]:
    at = begin
    for first, last in _joined(spans):
        first, last = max(first, at), min(last, end)
        if first >= last:
            continue
        if at < first:
            yield text[at:first], False
        yield text[first:last], True
        at = last
    if at < end:
        yield text[at:end], False


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans, those that overlap made one."""
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
