"""Windows over the screen: something to read, and what a search has found."""

from collections.abc import Sequence

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from chatctl.chat.lines import Paragraph, day, paragraph
from chatctl.chat.log import Log
from chatctl.chat.search import Search
from chatctl.chat.talk import Talk
from chatctl.columns import counted
from chatd.errors import ChatdError
from chatd.text import escaped


class Reading(ModalScreen[None]):
    """Paragraphs under a heading."""

    BINDINGS = [  # noqa: RUF012  Textual reads it from the class
        Binding("pageup,up", "page(-1)", "up", priority=True),
        Binding("pagedown,down", "page(1)", "down", priority=True),
        Binding("escape,q,enter,f1", "dismiss", "back", priority=True),
    ]

    def __init__(self, heading: str, paragraphs: Sequence[Paragraph]) -> None:
        super().__init__()
        self._heading = heading
        self._paragraphs = paragraphs

    def compose(self) -> ComposeResult:
        with Vertical(id="reading"):
            yield Static(id="heading")
            yield Log(id="found")

    def on_mount(self) -> None:
        self._show()
        self.call_after_refresh(self.query_one(Log).page, -1_000)

    def _show(self) -> None:
        self.query_one("#heading", Static).update(Text(escaped(self._heading), "bold"))
        self.query_one(Log).show(self._paragraphs)

    def action_page(self, pages: int) -> None:
        self.query_one(Log).page(pages)


class Found(Reading):
    """The lines that a search has found so far."""

    BINDINGS = [Binding("m", "more", "further back", priority=True)]  # noqa: RUF012

    def __init__(self, talk: Talk, search: Search) -> None:
        super().__init__("searching …", ())
        self._talk = talk
        self._search = search

    def on_mount(self) -> None:
        self._show()
        self._look()

    def action_more(self) -> None:
        """Look further back."""
        if self._search.more:
            self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        search, trouble = self._search, ""
        try:
            await search.go_on(self._talk.client)
        except ChatdError as exc:
            trouble = f"; ! {exc} ({exc.name})"
        if not self.is_running:  # it was closed meanwhile
            return
        further = "; m: further back" if search.more else ", which is all there is"
        if search.unindexed:
            further += f" but for {counted(search.unindexed, 'event')} that the index does not have yet"
        among = f" among {counted(search.looked, 'event')}" if search.looked else ""
        self._heading = f"{len(search.found):,} with {search.text!r}{among}{further}; Esc: back{trouble}"
        self._paragraphs = list(self._found())
        self._show()

    def _found(self) -> list[Paragraph]:
        shown: list[Paragraph] = []
        shown_day = ""
        for line in self._search.found:
            if line.at_us and day(line.at_us) != shown_day:
                shown_day = day(line.at_us)
                shown.append(Paragraph(f"day {line.seq}", f"── {shown_day}", style="dim"))
            shown.append(paragraph(line, me=self._talk.me))
        return shown
