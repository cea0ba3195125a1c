"""The database of the default nodes."""

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from chatd.daemon.settings.masking import mask
from chatd.daemon.settings.section import Place, Section, number


class StoreSection(Section):
    """A gateway has no database and does not look at these."""

    title: ClassVar[str] = "Store"

    db_uri: str = Field(
        default="",
        description="Database of the default nodes: sqlite:///path or postgresql://user:password@host/database. "
        "Default: the SQLite file DATA_DIR/chatd.db.",
    )
    database_readers: int = number(
        2,
        "Number of connections over which a default node reads from PostgreSQL; SQLite always has one.",
        unit="connections",
        ge=1,
        le=16,
    )
    cache_uri: Literal["database:", "mem:"] = Field(
        default="database:",
        description="Place where a default node keeps the connections that operators are shown: database: (all nodes share them) or "
        "mem: (each node knows its own, until it stops).",
    )

    def database(self, place: Place) -> str:
        """The URI of the database."""
        return self.db_uri or f"sqlite:///{(place.data_dir / 'chatd.db').absolute()}"

    def problems(self, place: Place) -> Iterator[str]:
        if place.mode != "gateway" and not re.match(r"sqlite:///.|postgres(ql)?://", self.database(place)):
            yield "DB_URI: must be sqlite:////path/of/file or postgresql://user:password@host/database"

    def effective(self, place: Place) -> dict[str, str]:
        return super().effective(place) | {"db_uri": mask(self.database(place))}
