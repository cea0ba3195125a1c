"""Texts are cut between grapheme clusters, never inside one."""

import pytest
import regex

from chatd.core.graphemes import cut, shorten

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
CLUSTERS = ["a", "e\u0301", FAMILY, "🇩🇪", "👍🏽", "한", "क्ष", "ि", "می\u200c"[-2:], "\r\n", "日"]


def test_a_text_that_fits_is_whole() -> None:
    assert cut("héllo", 5) == shorten("héllo", 5) == "héllo"
    assert shorten(FAMILY * 3, 3) == FAMILY * 3
    assert (cut("", 0), shorten("", 0)) == ("", "")


def test_clusters_are_counted_as_a_reader_counts() -> None:
    assert cut(FAMILY * 3, 2) == FAMILY * 2
    assert shorten(FAMILY * 3, 2) == FAMILY + "…"
    assert shorten("cafe\u0301s", 4) == "caf…"
    assert cut("हिन्दी", 1) == "हि"


@pytest.mark.parametrize("count", range(12))
@pytest.mark.parametrize("size", [None, *range(0, 80, 7)])
def test_no_cluster_is_ever_cut(count: int, size: int | None) -> None:
    text = "".join(CLUSTERS) * 2
    bounds = {0, *(found.end() for found in regex.finditer(r"\X", text))}
    beginning = cut(text, count, size=size)
    assert text.startswith(beginning)
    assert len(beginning) in bounds
    short = shorten(text, count, size=size)
    assert len(short.removesuffix("…")) in bounds
    assert size is None or len(short.encode()) <= size
    assert len(regex.findall(r"\X", short)) <= count


def test_a_text_is_not_large_because_its_clusters_are() -> None:
    stacked = "a" + "\u0301" * 10_000
    assert cut("b" + stacked, 10) == "b"
    assert shorten(stacked, 10) == "…"
    assert cut("é" * 10, 10, size=5) == "éé"
    assert shorten("é" * 10, 10, size=5) == "é…"
    assert shorten("é" * 10, 10, size=2) == ""
