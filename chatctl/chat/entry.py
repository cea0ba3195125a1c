"""The input line: what was written before, completion, and pastes of several lines, which become
one text after a question."""

import time

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from chatctl.chat.completion import Completer

KEPT_INPUTS = 500
BURST_SECONDS = 0.1
"""Nobody ends two lines so soon after each other: it is a paste, in a terminal that does not say
so."""
QUIET_SECONDS = 0.3
"""After which such a paste has ended."""


class Entry(Input):
    """``Said`` is a line that was entered, ``Pasted`` are several at once."""

    BINDINGS = [  # noqa: RUF012  Textual reads it from the class
        Binding("up", "recall(-1)", "before", show=False),
        Binding("down", "recall(1)", "after", show=False),
        Binding("tab", "complete(1)", "complete", show=False),
        Binding("shift+tab", "complete(-1)", "complete", show=False),
    ]

    class Said(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Pasted(Message):
        """``text`` has several lines. It is no ``Said``, whose handlers would get it, too."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, completer: Completer, id: str) -> None:
        super().__init__(id=id, compact=True)
        self._completer = completer
        self._inputs: list[str] = []
        self._at = 0
        self._draft = ""
        self._entered_at = 0.0
        self._burst: list[str] = []
        self._quiet: Timer | None = None

    def on_key(self, event: events.Key) -> None:
        """Enter is taken here, not by its binding, which comes after keys that were pressed
        later."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self._enter()
        elif self._burst:
            self._wait_for_quiet()

    def _enter(self) -> None:
        text, now = self.value, time.monotonic()
        is_burst = bool(self._burst) or now - self._entered_at < BURST_SECONDS
        self._entered_at = now
        self.value = ""
        if is_burst:
            self._burst.append(text)
            self._wait_for_quiet()
        elif text.strip():
            self.remember(text)
            self.post_message(self.Said(text))

    def _wait_for_quiet(self) -> None:
        if self._quiet is not None:
            self._quiet.stop()
        self._quiet = self.set_timer(QUIET_SECONDS, self._end_burst)

    def _end_burst(self) -> None:
        lines, self._burst = [*self._burst, self.value], []
        self.value = ""
        self._paste("\n".join(lines))

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        start, end = sorted(self.selection)
        text = "\n".join(event.text.splitlines())
        if "\n" not in text.strip("\n"):
            self.replace(text.strip("\n"), start, end)
            return
        whole = f"{self.value[:start]}{text}{self.value[end:]}"
        self.value = ""
        self._paste(whole)

    def _paste(self, text: str) -> None:
        text = text.strip("\n")
        if "\n" in text:
            self.post_message(self.Pasted(text))
        elif text.strip():
            self.post_message(self.Said(text))

    def remember(self, text: str) -> None:
        """Keep what was entered, for Up."""
        if text != (self._inputs[-1] if self._inputs else ""):
            self._inputs = [*self._inputs, text][-KEPT_INPUTS:]
        self._at, self._draft = len(self._inputs), ""

    def action_recall(self, step: int) -> None:
        """The text that was entered before, or after; behind the last is what was begun."""
        to = min(len(self._inputs), max(0, self._at + step))
        if to == self._at:
            return
        if self._at == len(self._inputs):
            self._draft = self.value
        self._at = to
        self.value = self._inputs[to] if to < len(self._inputs) else self._draft
        self.cursor_position = len(self.value)

    def action_complete(self, step: int) -> None:
        """The next completion of what stands before the cursor."""
        before, behind = self.value[: self.cursor_position], self.value[self.cursor_position :]
        completed = self._completer.next(before, step)
        if completed != before:
            self.value = completed + behind
            self.cursor_position = len(completed)
