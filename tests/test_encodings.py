"""Text from outside is decoded strictly, and as UTF-8 whatever the locale: no character is replaced
without a word."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOSSY = {"replace", "ignore"}
TEXT_FILES = {"read_text", "write_text"}


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Place, method and call, for every call of a method in the product."""
    for package in ("chatd", "chatctl"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.func.attr, node


def test_nothing_is_decoded_with_losses() -> None:
    lossy = [
        place
        for place, method, call in calls()
        if method in {"decode", "open", "fdopen", "reconfigure", *TEXT_FILES}
        for value in (*call.args, *(keyword.value for keyword in call.keywords))
        if isinstance(value, ast.Constant) and value.value in LOSSY
    ]
    assert lossy == []


def test_files_of_text_name_their_encoding() -> None:
    by_locale = [
        place
        for place, method, call in calls()
        if method in TEXT_FILES and not any(keyword.arg == "encoding" for keyword in call.keywords)
    ]
    assert by_locale == []
