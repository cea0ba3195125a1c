"""The database of the default nodes, and the cache of connections."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from chatd.core.broker_address import BrokerAddress, scheme_of
from chatd.daemon.settings.masking import SecretUri, mask
from chatd.daemon.settings.section import OptionalPath, Place, Section, number
from chatd.errors import ConfigError
from chatd.store.uri import uri_fault

_CACHE_NAME = "chatd"


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
    cache_uri: SecretUri = Field(
        default="database:",
        description="Place where a default node keeps the connections that operators are shown: database: "
        "(all nodes share them), mem: (each node knows its own, until it stops) or "
        "redis://user:password@host:6379/name (Redis or Valkey: all nodes share them, and the database is "
        "not written for them); beyond this machine rediss://. The name is that of its keys, by default chatd.",
    )
    cache_ca_file: OptionalPath = Field(
        default=None,
        description="Certificates that the certificate of CACHE_URI (rediss://) must lead to. Default: those "
        "that the system trusts.",
    )

    def cache(self) -> BrokerAddress | None:
        """The Redis that keeps the connections, if one does. Raises ConfigError."""
        if scheme_of(self.cache_uri) not in ("redis", "rediss"):
            return None
        ca_file = "" if self.cache_ca_file is None else str(self.cache_ca_file)
        return BrokerAddress.parse(self.cache_uri, _CACHE_NAME, ca_file)

    @property
    def is_cache_in_memory(self) -> bool:
        """True if each node keeps connections for itself."""
        return self.cache_uri in ("mem:", "mem://")

    def _cache_fault(self) -> str:
        """Nothing of the address is quoted: it may be a password."""
        try:
            known = self.is_cache_in_memory or self.cache_uri == "database:" or self.cache() is not None
        except ConfigError as exc:
            return str(exc)
        return "" if known else "it is none of database:, mem:, redis://host:6379 and rediss://host:6379"

    def database(self, place: Place) -> str:
        """The URI of the database."""
        return self.db_uri or f"sqlite:///{(place.data_dir / 'chatd.db').absolute()}"

    def problems(self, place: Place) -> Iterator[str]:
        if place.mode == "gateway":
            return
        if fault := uri_fault(self.database(place)):
            yield f"DB_URI: {fault}"
        if fault := self._cache_fault():
            yield f"CACHE_URI: {fault}"

    def effective(self, place: Place) -> dict[str, str]:
        uri = self.database(place)
        # A gateway is not stopped by an address that nobody understands: who knows where its
        # password is?
        return super().effective(place) | {
            "db_uri": "***" if uri_fault(uri) else mask(uri),
            "cache_uri": "***" if self._cache_fault() else mask(self.cache_uri),
        }
