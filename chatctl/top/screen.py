"""The screen: one page at a time, looked at again every few seconds. Keys move between pages, down
into a row and back."""

import time
from collections.abc import Iterable

from rich.text import Text
from textual import events, on, work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable, Footer, Input, Static
from typer import BadParameter

from chatctl.columns import is_number
from chatctl.top.modals import Help, Question
from chatctl.top.overview import overview
from chatctl.top.page import Action, Page, Row, View, in_order, matching
from chatctl.top.views import TABS, opened_by
from chatd.client import Client
from chatd.errors import ChatdError, InvalidArgument
from chatd.text import escaped

COST_SHARE, LONGEST_PAUSE = 100, 15.0
"""A look that took a tenth of a second is repeated after 100 times as long: the service spends a
hundredth of its time on the screen. No pause is longer than so many seconds."""


class Top(App[None]):
    """``every``: seconds between two looks, at least."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #title { height: 1; width: 100%; background: $primary; padding: 0 1; }
    #lines { height: auto; max-height: 8; padding: 0 1; }
    #actions { height: auto; padding: 0 1; text-style: bold; }
    #said { height: auto; max-height: 3; padding: 0 1; }
    #prompt { height: 1; border: none; padding: 0 1; }
    DataTable { height: 1fr; }
    Question, Help { align: center middle; }
    #question { width: auto; max-width: 90%; height: auto; border: solid; padding: 1 2; }
    """
    BINDINGS = [  # noqa: RUF012  Textual reads it from the class
        Binding("question_mark", "help", "help"),
        Binding("slash", "filter", "filter"),
        Binding("colon", "command", "command"),
        Binding("s", "sort", "sort"),
        Binding("S", "turn", "turn", show=False),
        Binding("escape,backspace", "back", "back"),
        Binding("space", "look", "look", show=False),
        Binding("q,ctrl+c", "quit", "end"),
    ]

    def __init__(self, client: Client, *, every: float) -> None:
        super().__init__()
        self._client = client
        self._every = every
        self._overview = overview()
        self._views: list[View] = [self._overview]
        self._page = Page((), ())
        self._rows: list[Row] = []
        self._filter = ""
        self._sorted_by = -1
        self._reverse = False
        self._next_look = 0.0
        self._answered_at = time.monotonic()
        self._prompt_is_command = False

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield Static(id="lines")
        yield DataTable(cursor_type="row", zebra_stripes=False)
        yield Static(id="actions")
        yield Static(id="said")
        yield Input(id="prompt", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#prompt", Input).display = False
        self.query_one(DataTable).focus()
        self._go_to(self._overview)
        self.set_interval(0.25, self._tick)

    @property
    def view(self) -> View:
        """The one that is shown."""
        return self._views[-1]

    def _tick(self) -> None:
        if time.monotonic() >= self._next_look:
            self.action_look()

    def action_look(self) -> None:
        """Look again."""
        self._next_look = float("inf")  # until this look is over
        self._look(self.view)

    @work(exclusive=True, group="looks")  # a new look ends the one before it, and nothing else
    async def _look(self, view: View) -> None:
        began = time.monotonic()
        try:
            page = await view.fetch(self._client)
        except ChatdError as exc:
            silent = time.monotonic() - self._answered_at
            self._say(f"! no answer for {silent:.0f} s: {exc} ({exc.name}); what is shown is old")
            page = None
        else:
            self._answered_at = time.monotonic()
        pause = 0.0 if page is None else min(LONGEST_PAUSE, COST_SHARE * (time.monotonic() - began))
        self._next_look = time.monotonic() + max(self._every, pause)
        if page is not None and view is self.view and self.is_running:
            if self.query_one("#said", Static).has_class("outage"):
                self._say("")
            self._show(page)

    def _show(self, page: Page) -> None:
        self._page = page
        rows = matching(page.rows, self._filter) if self._filter else list(page.rows)
        if 0 <= self._sorted_by < len(page.headings):
            ordered = {
                row.key: at for at, row in enumerate(in_order(page, self._sorted_by, reverse=self._reverse))
            }
            rows.sort(key=lambda row: ordered[row.key])
        self._rows = rows
        self._show_title()
        self.query_one("#lines", Static).update(Text("\n".join(page.lines)))
        self._fill(page, rows)

    def _show_title(self) -> None:
        more = "+" if self._page.more else ""
        narrowed = f", with {self._filter!r}" if self._filter else ""
        way = " › ".join(view.title for view in self._views)
        rows = "1 row" if len(self._rows) == 1 and not more else f"{len(self._rows):,}{more} rows"
        title = f"chatctl top  {way}  {rows}{narrowed}"
        self.query_one("#title", Static).update(Text(escaped(title)))

    def _fill(self, page: Page, rows: list[Row]) -> None:
        table = self.query_one(DataTable)
        selected = self._selected(table)
        table.clear(columns=True)
        for at, heading in enumerate(page.headings):
            mark = (" ↓" if self._reverse else " ↑") if at == self._sorted_by else ""
            table.add_column(Text(heading + mark))
        for row in rows:
            table.add_row(*_cells(row), key=row.key)
        keys = [row.key for row in rows]
        if selected in keys:
            table.move_cursor(row=keys.index(selected), animate=False)

    def _selected(self, table: "DataTable[Text]") -> str:
        """The key of the row under the cursor."""
        if not table.row_count:
            return ""
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)

    def _row(self) -> Row | None:
        selected = self._selected(self.query_one(DataTable))
        return next((row for row in self._rows if row.key == selected), None)

    def _go_to(self, *views: View) -> None:
        """Show the last of these; the others are behind it."""
        self._views = list(views)
        self._filter, self._sorted_by, self._reverse = "", -1, False
        self._page, self._rows = Page((), ()), []
        self.query_one(DataTable).clear(columns=True)
        self.query_one("#lines", Static).update("")
        self._show_title()
        self.action_look()

    def _say(self, text: str) -> None:
        if not self.is_running:  # it ended while the service was asked
            return
        said = self.query_one("#said", Static)
        said.update(Text(escaped(text)))
        said.set_class(text.startswith("! no answer"), "outage")

    @on(DataTable.RowSelected)
    def _opened(self) -> None:
        row = self._row()
        if row is not None and row.open is not None:
            self._go_to(*self._views, row.open())

    async def action_back(self) -> None:
        """Out of the filter, or one view back."""
        if self._filter:
            self._filter = ""
            self._show(self._page)
        elif len(self._views) > 1:
            self._go_to(*self._views[:-1])

    def on_key(self, event: events.Key) -> None:
        """Tabs, and what can be done with the row."""
        if len(self.screen_stack) > 1 or self.query_one("#prompt", Input).display:
            return
        if event.key.isdigit():
            number = int(event.key) or 10
            self._go_to(self._overview if number == 1 else TABS[number - 2]())
            return
        row = self._row()
        for action in row.actions if row is not None else ():
            if action.key == event.key:
                self._ask(action)

    @work(group="actions")
    async def _ask(self, action: Action) -> None:
        question = action.question
        try:
            asked = question if isinstance(question, str) else await question(self._client)
            if not await self.push_screen_wait(Question(asked)):
                return
            self._say(await action.run(self._client))
        except ChatdError as exc:
            self._say(f"! not done: {exc} ({exc.name})")
        self.action_look()

    @on(DataTable.RowHighlighted)
    def _show_actions(self) -> None:
        row = self._row()
        shown = actions_of(row.actions) if row is not None else ""
        self.query_one("#actions", Static).update(Text(shown))

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_filter(self) -> None:
        """Show only rows with a text."""
        self._open_prompt(command=False)

    def action_command(self) -> None:
        """Open a view by its name."""
        self._open_prompt(command=True)

    def _open_prompt(self, *, command: bool) -> None:
        self._prompt_is_command = command
        prompt = self.query_one("#prompt", Input)
        prompt.placeholder = "command" if command else "text"
        prompt.value = "" if command else self._filter
        prompt.display = True
        prompt.focus()

    @on(Input.Submitted)
    def _said_it(self, event: Input.Submitted) -> None:
        self._close_prompt()
        if not self._prompt_is_command:
            self._filter = event.value
            self._show(self._page)
            return
        words = event.value.split()
        if words in (["q"], ["quit"]):
            self.exit()
        elif words:
            try:
                self._go_to(self._overview if words == ["overview"] else opened_by(words))
            except (InvalidArgument, BadParameter) as exc:
                self._say(str(exc))

    def _close_prompt(self) -> None:
        self.query_one("#prompt", Input).display = False
        self.query_one(DataTable).focus()

    def action_sort(self) -> None:
        """By the next column; behind the last, as the service lists them."""
        self._sorted_by += 1
        if self._sorted_by >= len(self._page.headings):
            self._sorted_by = -1
        numbers = [row.sort_by[self._sorted_by] for row in self._page.rows] if self._sorted_by >= 0 else []
        self._reverse = bool(numbers) and all(map(is_number, numbers))
        self._show(self._page)

    def action_turn(self) -> None:
        self._reverse = not self._reverse
        self._show(self._page)


def actions_of(actions: Iterable[Action]) -> str:
    """The actions of a row for people: "r replay  d drop"."""
    return "  ".join(f"{action.key} {action.label}" for action in actions)


def _cells(row: Row) -> list[Text]:
    """Numbers at the right."""
    return [
        Text(cell, justify="right" if is_number(value) else "left")
        for cell, value in zip(row.cells, row.sort_by, strict=True)
    ]


async def show(client: Client, *, every: float) -> None:
    """Run the screen until the operator ends it."""
    async with client:
        await Top(client, every=every).run_async()
