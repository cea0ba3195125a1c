"""Snippets: the part of a text that matched."""

import pytest

from chatd.default.search.snippet import LENGTH, make_snippet
from chatd.default.search.terms import parse


def shown(text: str, query: str) -> str:
    return "".join(f"[{part}]" if matches else part for part, matches in make_snippet(text, parse(query)))


@pytest.mark.parametrize(
    ("text", "query", "wanted"),
    [
        ("Die Straße ist lang", "strasse lang", "Die [Straße] ist [lang]"),
        ("one two three two", '"two three"', "one [two three] two"),
        ("deploying the deployment", "deploy*", "[deploying] the [deployment]"),
        ("東京都に住む", "京", "東[京]都に住む"),
        ("東京都に住む", "東京都", "[東京都]に住む"),
        ("tower 東京", '"tower 東"', "[tower 東]京"),
        ("a b c b c d", '"b c" "c b"', "a [b c b c] d"),
        ("oui 👍🏽", "👍", "oui [👍]🏽"),
        ("nothing of it", "else", "nothing of it"),
    ],
)
def test_matches_are_marked(text: str, query: str, wanted: str) -> None:
    assert shown(text, query) == wanted


def test_a_long_text_is_cut_at_words_around_the_first_match() -> None:
    text = "left " * 100 + "needle " + "right " * 100
    snippet = shown(text, "needle")
    assert snippet.startswith("…left ")
    assert "[needle]" in snippet
    assert snippet.endswith("right…")
    assert len(snippet) <= LENGTH + 4
    assert shown("x" * 500 + " needle", "needle") == "…[needle]"
    assert shown("needle " + "x" * 500, "needle") == "[needle]…"
