"""Search: whether there is an index of texts."""

from typing import ClassVar

from pydantic import Field

from chatd.daemon.settings.section import Section


class SearchSection(Section):
    """A default node's. The nodes of one database need the same."""

    title: ClassVar[str] = "Search"

    search: bool = Field(
        default=False,
        description="Keep an index of the texts of messages, so that users can search them. It follows the "
        "log by itself, also from the first event when it is turned on. A message of twelve words takes some 200 bytes "
        "more and 0.1 ms of a node's CPU time. Turned off it stays as it is; what is removed from rooms is removed "
        "from it too.",
    )
