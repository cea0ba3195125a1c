"""Help on a terminal of 80 columns: paragraphs flow, and metavars are said once."""

import re
import sys

import pytest

from tests import fork_server

HELPS = [
    ("chatctl",),
    ("chatctl", "room", "create"),
    ("chatctl", "room", "update"),
    ("chatctl", "dead-letter", "replay"),
    ("chatctl", "why"),
    ("chatctl", "key"),
    ("chatd",),
    ("chatd", "keys", "trust"),
    ("chatd", "token", "issue"),
]


def help_of(*words: str) -> str:
    environment = {**fork_server.bare_environment(), "COLUMNS": "80"}
    done = fork_server.run([sys.executable, "-m", *words, "--help"], env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_paragraph_breaks_where_the_terminal_ends() -> None:
    lines = help_of("chatctl", "check").splitlines()
    begin = lines.index("")
    assert lines[begin + 1 : begin + 4] == [
        "  Check what an operator would look at: does everything answer, does everybody",
        "  get their events? Says what to do where not, and exits with 3. Operators",
        "  only.",
    ]


def test_a_default_is_said_in_the_words_of_its_option() -> None:
    shown = help_of("chatctl", "send")
    assert ("Default: normal." in shown, "default: 0" in shown) == (True, False)


def test_paragraphs_stay_apart() -> None:
    assert "\n\n  Example: " in help_of("chatctl", "why")


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_metavars_are_said_once(words: tuple[str, ...]) -> None:
    shown = help_of(*words)
    assert "<bool>" not in shown, "a flag takes no value"
    usage = next(line for line in shown.splitlines() if "Usage:" in line)
    assert not re.search(r"\[\[|…|\{[a-z]", usage), usage


def test_arguments_that_may_be_repeated_are_shown_so() -> None:
    assert "chatctl room create [OPTIONS] {ROOM} [MEMBER]..." in help_of("chatctl", "room", "create")
    assert "chatctl dead-letter replay [OPTIONS] [LETTER]..." in help_of("chatctl", "dead-letter", "replay")
