"""Real chat logs as steps: who joins, who leaves, who says what."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

LOGS = Path(__file__).parents[3] / "shared/data/irc"
_SAID = re.compile(r"^\[\d\d:\d\d\] <([^>]+)> (.+)$")
_ACTION = re.compile(r"^\[\d\d:\d\d\]  \* (\S+) (.+)$")
_CAME = re.compile(r"^=== (\S+) \[[^\]]*\]\s+has (joined|left|quit)\b")
_RENAMED = re.compile(r"^=== (\S+) is now known as (\S+)$")


class Step(NamedTuple):
    kind: Literal["join", "leave", "say"]
    nick: str
    text: str = ""


def steps(log: Path) -> Iterator[Step]:
    """The log's steps; who is not in the room when something is said joins first. A rename is a
    leaving and a joining."""
    there: set[str] = set()
    for line in log.read_text(encoding="utf-8", errors="replace").split("\n"):
        if match := _SAID.match(line) or _ACTION.match(line):
            nick, text = match.groups()
            if nick not in there:
                there.add(nick)
                yield Step("join", nick)
            if text.strip():
                yield Step("say", nick, text)
        elif match := _CAME.match(line):
            nick, what = match.groups()
            if what == "joined" and nick not in there:
                there.add(nick)
                yield Step("join", nick)
            elif what != "joined" and nick in there:
                there.discard(nick)
                yield Step("leave", nick)
        elif match := _RENAMED.match(line):
            old, new = match.groups()
            if old in there and new not in there:
                there.symmetric_difference_update((old, new))
                yield Step("leave", old)
                yield Step("join", new)
