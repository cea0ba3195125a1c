"""Sentences of docstrings, comments and documents begin with their subject."""

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEGINNING = re.compile(
    r"(?:^|[.:!] |\* )(?:Who|Whoever|What|Whatever|Of|So many) [a-zA-Z0-9`][^.?]*(?P<end>[.?]|$)"
)


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """(line, docstring or block of comments) of a file."""
    comment: list[str] = []
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                comment.append(token.string.lstrip("# "))
            elif token.type == tokenize.STRING and token.string.startswith('"""'):
                yield token.start[0], token.string.strip('"')
            elif token.type not in (tokenize.NL, tokenize.NEWLINE) and comment:
                yield token.start[0], " ".join(comment)
                comment.clear()


def test_no_sentence_begins_with_a_question_word_that_asks_nothing() -> None:
    files = [
        path
        for folder in ("chatd", "chatctl", "proto", "systemd", "tests")
        for kind in ("py", "md")
        for path in ROOT.glob(f"{folder}/**/*.{kind}")
        if "pb" not in path.parts
    ]
    found = []
    for path in [*ROOT.glob("*.md"), *files]:
        texts = texts_of(path) if path.suffix == ".py" else paragraphs(path)
        for line, text in texts:
            for match in BEGINNING.finditer(re.sub(r"\s+", " ", text)):
                if match["end"] != "?":
                    found.append(f"{path.relative_to(ROOT)}:{line}: {match.group()[:60]}")
    assert not found, "\n".join(found)


def paragraphs(path: Path) -> Iterator[tuple[int, str]]:
    line = 1
    for paragraph in path.read_text().split("\n\n"):
        yield line, paragraph
        line += paragraph.count("\n") + 2
