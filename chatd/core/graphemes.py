"""Grapheme clusters: what a reader takes for one character, such as a letter with its accents or a
family of emoji. Texts are cut only between them.

The boundaries are Unicode's UAX #29 as the library ``regex`` has it, with tables of its own.
"""

import regex

_CLUSTER = regex.compile(r"\X")
_POINTS_EACH = 16
"""Code points that a text may have for each cluster allowed: no text is large because its clusters
are."""
_ELLIPSIS = "…"


def cut(text: str, count: int, *, size: int | None = None) -> str:
    """The beginning of a text: at most ``count`` clusters, 16 x ``count`` code points, ``size``
    bytes of UTF-8."""
    end = used = 0
    for number, found in enumerate(_CLUSTER.finditer(text), 1):
        cluster = found[0]
        used += len(cluster.encode()) if size is not None else 0
        if number > count or found.end() > count * _POINTS_EACH or (size is not None and used > size):
            return text[:end]
        end = found.end()
    return text


def shorten(text: str, count: int, *, size: int | None = None) -> str:
    """The same, with an ellipsis within the limits if anything was cut off; empty if the ellipsis
    does not fit."""
    if cut(text, count, size=size) == text:
        return text
    left = None if size is None else size - len(_ELLIPSIS.encode())
    return cut(text, count - 1, size=left) + _ELLIPSIS if count > 0 and (left is None or left >= 0) else ""
