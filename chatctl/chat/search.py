"""Search in a room's history: page by page from the newest event back, for chatd has no index of
texts."""

from chatctl.chat.lines import Line, line_of
from chatd.client import Client

PAGE = 500
PAGES = 10
"""The limit of one look; the next one goes on."""


class Search:
    """The lines of a room that hold a text, whatever the case, the newest last."""

    def __init__(self, room_id: str, text: str) -> None:
        self.room_id = room_id
        self.text = text
        self.found: list[Line] = []
        self.looked = 0
        """Events that were looked at."""
        self.more = True
        """True if there is older history."""
        self._before_seq = 0

    async def go_on(self, client: Client) -> None:
        """Look at PAGES pages more."""
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
