"""Small windows over the screen: a question, and the keys."""

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from chatd.text import escaped

HELP = """\
1 overview     2 rooms          3 devices  4 laggards  5 connections
6 dead letters 7 notifications  8 nodes    9 audit
0 streams      enter in the overview: times of the stages of a message's way

enter   into the row             esc, backspace   back
/       show rows with a text    s, S             sort by the next column, turn the order
:       a command (:help lists)  space            look again now
?       this help                q                end

The keys at the bottom are what can be done with the row. Each asks before it does it;
:replay PROFILE/DEVICE TIME shows what a device would be owed again.
Nothing else on this screen changes anything."""


class Question(ModalScreen[bool]):
    """Asks before something is done: y does it, all other keys do not. ``quoted`` stands below, in
    lines of its own."""

    def __init__(self, question: str, quoted: str = "") -> None:
        super().__init__()
        self._question = "\n".join(map(escaped, [question, *quoted.splitlines()]))

    def compose(self) -> ComposeResult:
        yield Static(Text(f"{self._question}\n\ny: yes   any other key: no"), id="question")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(event.key == "y")


class Help(ModalScreen[None]):
    """The keys; any key leaves."""

    def compose(self) -> ComposeResult:
        yield Static(Text(HELP), id="question")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss()
