"""Search in a room: by the words of the service's index of texts; where it has none, page by page
through the history from the newest event back."""

from chatctl.chat.lines import Line, line_of
from chatd.client import Client
from chatd.errors import InvalidArgument, UnknownMethod

PAGE = 500
PAGES = 10
"""The limit of one look; the next one goes on."""
FOUND = 50
"""Lines that the index is asked for at once."""


class Search:
    """The lines of a room that have the words of a text, or hold it, whatever the case, the newest
    last."""

    def __init__(self, room_id: str, text: str) -> None:
        self.room_id = room_id
        self.text = text
        self.found: list[Line] = []
        self.looked = 0
        """Events that were looked at; 0: the index has found the lines."""
        self.more = True
        """True if there is older history."""
        self.unindexed = 0
        """Events that the index does not have yet."""
        self._before_seq = 0
        self._has_index = True
        self._after = ""

    async def go_on(self, client: Client) -> None:
        """Look further back."""
        if self._has_index:
            try:
                await self._ask_index(client)
            except (UnknownMethod, InvalidArgument):  # there is none, or the text has no word
                self._has_index = False
        if not self._has_index:
            await self._read_on(client)

    async def _ask_index(self, client: Client) -> None:
        page = await client.search(self.text, [self.room_id], after=self._after, limit=FOUND)
        self.found[:0] = [line_of(one.delivery) for one in reversed(page.messages)]
        self._after = page.next_after
        self.more = bool(page.next_after)
        self.unindexed = page.unindexed

    async def _read_on(self, client: Client) -> None:
        """PAGES pages more."""
        wanted = self.text.casefold()
        for _ in range(PAGES):
            page, more = await client.history(self.room_id, before_seq=self._before_seq, limit=PAGE)
            self.looked += len(page)
            lines = [line_of(delivery) for delivery in page]
            self.found[:0] = [
                line for line in lines if wanted in line.text.casefold() or wanted == line.sender.casefold()
            ]
            self.more = more and bool(page)
            if not self.more:
                return
            self._before_seq = page[0].seq
