"""The widget that shows paragraphs: wrapped to its width, the newest at the bottom. It stays there
while lines come, unless the reader has scrolled up."""

from collections.abc import Iterator, Sequence

from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chatctl.chat.lines import Paragraph, wrapped


class Log(ScrollView, can_focus=False):
    """A paragraph is wrapped once for each width."""

    class AtTop(Message):
        """The reader sees the oldest line."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._paragraphs: Sequence[Paragraph] = ()
        self._wrapped: dict[Paragraph, list[Text]] = {}
        self._lines: list[Text] = []
        self._starts: dict[str, int] = {}
        """The first line of each paragraph, by its key."""
        self._width = 0
        self._follows = True

    @property
    def follows(self) -> bool:
        """True if the newest line is seen."""
        return self._follows

    @property
    def text(self) -> str:
        """All lines as they are shown."""
        return "\n".join(line.plain for line in self._lines)

    def show(self, paragraphs: Sequence[Paragraph]) -> None:
        """Show these instead of those before. The lines that the reader looks at stay where they
        are."""
        if list(paragraphs) == list(self._paragraphs) and self._width == self._cells:
            return
        seen = list(self._seen())
        self._paragraphs = paragraphs
        self._wrap()
        kept = next(((key, below) for key, below in seen if key in self._starts), None)
        if self._follows or kept is None:
            self.to_end()
        else:
            self._scroll(self._starts[kept[0]] - kept[1])

    @property
    def _cells(self) -> int:
        return max(1, self.scrollable_content_region.width)

    def _seen(self) -> Iterator[tuple[str, int]]:
        """The paragraphs that begin where the reader looks or below, and how far below."""
        at = round(self.scroll_y)
        return ((key, start - at) for key, start in self._starts.items() if start >= at)

    def _wrap(self) -> None:
        if self._width != self._cells:
            self._width, self._wrapped = self._cells, {}
        kept: dict[Paragraph, list[Text]] = {}
        self._lines, self._starts = [], {}
        for one in self._paragraphs:
            kept[one] = self._wrapped.get(one) or wrapped(one, self._width, self.app.console)
            self._starts[one.key] = len(self._lines)
            self._lines += kept[one]
        self._wrapped = kept
        self.virtual_size = Size(self._width, len(self._lines))
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        paragraphs, self._paragraphs = self._paragraphs, ()
        self.show(paragraphs)

    def to_end(self) -> None:
        """To the newest line."""
        self._follows = True
        self._scroll(len(self._lines))

    def page(self, pages: int) -> None:
        """Scroll down by pages, or up by a negative number of them."""
        self._scroll(round(self.scroll_y) + pages * max(1, self.size.height - 1))
        if pages < 0 and self.scroll_y <= 0:
            self.post_message(self.AtTop())

    def _scroll(self, to: int) -> None:
        self.scroll_to(y=to, animate=False, force=True, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y
        if new_value <= 0 < old_value:
            self.post_message(self.AtTop())

    def render_line(self, y: int) -> Strip:
        at = y + round(self.scroll_y)
        if not 0 <= at < len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        strip = Strip(list(self._lines[at].render(self.app.console)))
        return strip.adjust_cell_length(self.size.width).apply_style(self.rich_style)
