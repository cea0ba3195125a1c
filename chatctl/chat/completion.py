"""Completion with Tab, as in IRC: a name at the beginning of a line gets a colon, and Tab again
takes the next that fits."""

from collections.abc import Callable, Sequence

from chatctl.chat.commands import COMMANDS


def completions(before: str, *, rooms: Sequence[str], profiles: Sequence[str]) -> list[str]:
    """Texts that the cursor's may become, the likeliest first: ``profiles`` and ``rooms``
    are given in this order."""
    start = before.rfind(" ") + 1
    head, word = before[:start], before[start:]
    if before.startswith("/") and not head:
        return [f"/{command.names[0]} " for command in COMMANDS if _fits(command.names[0], word[1:])]
    if before.startswith("/") and not before.startswith("//"):
        name = before[1:].partition(" ")[0].casefold()
        completes = next((command.completes for command in COMMANDS if name in command.names), "")
        names = rooms if completes == "rooms" else profiles if completes == "profiles" else ()
        return [f"{head}{name} " for name in names if _fits(name, word)]
    if word.startswith("@"):
        return [f"{head}@{name} " for name in profiles if _fits(name, word[1:])]
    if not word:
        return []
    return [f"{head}{name}{' ' if head else ': '}" for name in profiles if _fits(name, word)]


def _fits(name: str, word: str) -> bool:
    return name.casefold().startswith(word.casefold())


class Completer:
    """Goes through the completions of a text. ``completions`` finds them for what stands before the
    cursor."""

    def __init__(self, completions: Callable[[str], list[str]]) -> None:
        self._completions = completions
        self._found: list[str] = []
        self._at = 0

    def next(self, before: str, step: int = 1) -> str:
        """The text before the cursor after one more Tab; as it was if nothing fits."""
        if self._found and before == self._found[self._at]:
            self._at = (self._at + step) % len(self._found)
        else:
            self._found, self._at = self._completions(before), 0
        return self._found[self._at] if self._found else before
