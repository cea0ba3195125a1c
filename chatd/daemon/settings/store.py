"""The database of the default nodes."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from chatd.daemon.settings.masking import SecretUri, mask
from chatd.daemon.settings.section import Place, Section, number
from chatd.store.uri import uri_fault


class StoreSection(Section):
    """A gateway has no database and does not look at these."""

    title: ClassVar[str] = "Store"

    db_uri: SecretUri = Field(
        default="",
        description="Database of the default nodes: sqlite:///path or postgresql://user:password@host/database"
        "?parameters of libpq, such as sslmode. A host beyond this machine needs sslmode=verify-full, verify-ca or "
        "require. "
        "Default: the SQLite file DATA_DIR/chatd.db.",
    )
    database_readers: int = number(
        2,
        "Number of connections over which a default node reads from PostgreSQL for itself, and as many more "
        "for questions of clients; SQLite always has one of each.",
        unit="connections",
        ge=1,
        le=16,
    )
    cache_uri: Literal["database:", "mem:"] = Field(
        default="database:",
        description="Place where a default node keeps the connections that operators are shown: database: "
        "(all nodes share them) or "
        "mem: (each node knows its own, until it stops).",
    )

    def database(self, place: Place) -> str:
        """The URI of the database."""
        return self.db_uri or f"sqlite:///{(place.data_dir / 'chatd.db').absolute()}"

    def problems(self, place: Place) -> Iterator[str]:
        fault = uri_fault(self.database(place))
        if place.mode != "gateway" and fault:
            yield f"DB_URI: {fault}"

    def effective(self, place: Place) -> dict[str, str]:
        uri = self.database(place)
        # A gateway is not stopped by an address that nobody understands: who knows where its
        # password is?
        return super().effective(place) | {"db_uri": "***" if uri_fault(uri) else mask(uri)}
