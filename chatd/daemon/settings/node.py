"""The process as a node: its name, its folders, its lease, the time it takes to stop."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from chatd.core.address import check_endpoint, reached_at
from chatd.daemon.mode import Mode
from chatd.daemon.settings.section import FolderPath, Id, OptionalPath, Place, Section, number
from chatd.errors import ConfigError


def _data_dir() -> Path:
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given)
    given = os.environ.get("XDG_DATA_HOME")
    try:
        return Path(given or Path.home() / ".local/share") / "chatd"
    except RuntimeError as exc:
        raise ConfigError(
            f"DATA_DIR: user {os.getuid()} has no home directory; DATA_DIR must be set"
        ) from exc


def host_name() -> str:
    """The machine's, as an id."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "node"


class NodeSection(Section):
    """Every process has these; the lease is a default node's."""

    title: ClassVar[str] = "Node"

    data_dir: FolderPath = Field(
        default_factory=_data_dir,
        description="Folder of the SQLite file and the tokens file. Default: $STATE_DIRECTORY, else "
        "$XDG_DATA_HOME/chatd, else ~/.local/share/chatd.",
    )
    runtime_dir: OptionalPath = Field(
        default=None, description="Folder of the ipc sockets. Default: $RUNTIME_DIRECTORY, else DATA_DIR/run."
    )
    node_id: Id = Field(
        default_factory=host_name,
        description="Name of this node in logs and tables. No two default nodes of a database, and no two "
        "gateways, have the same. Default: the host's name, with -NAME behind it for an instance NAME that is not "
        "called like a mode.",
    )
    key_file: OptionalPath = Field(
        default=None,
        description="File of this process's key pair, by which other machines know it; made at the first "
        "start. Default: DATA_DIR/keys/NODE_ID-MODE.key.",
    )
    public_host: str = Field(
        default="",
        description="Host name or address at which other machines reach this one. It is needed if anything "
        "listens at all addresses of the machine, as with DEFAULT_URI=tcp://0.0.0.0:7401.",
    )
    node_lease_seconds: float = number(
        10.0,
        "Seconds for which a default node announces itself and its gateways; it renews this lease three "
        "times in that time. "
        "A node whose lease has ended is no longer named to gateways and devices.",
        unit="s",
        ge=0.3,
        le=3600,
    )
    drain_seconds: float = number(
        5.0,
        "Longest time in seconds that a stopping node takes to drain: a gateway sends its devices to other "
        "gateways, spread over "
        "this time, and calls and acks in progress are completed. With 0 nothing is waited for.",
        unit="s",
        ge=0,
        le=600,
    )

    def problems(self, place: Place) -> Iterator[str]:
        if self.public_host:
            try:
                check_endpoint(reached_at("tcp://0.0.0.0:1", self.public_host))
            except ConfigError:
                yield f"PUBLIC_HOST: {self.public_host!a} is no host name and no IP address"

    def place(self, mode: Mode) -> Place:
        """The folders in force."""
        given = os.environ.get("RUNTIME_DIRECTORY")
        default = Path(given) if given else self.data_dir / "run"
        return Place(mode, self.data_dir, self.runtime_dir or default, self.public_host)

    def keys(self, place: Place) -> Path:
        """The file of the key pair in force."""
        return self.key_file or place.data_dir / "keys" / f"{self.node_id}-{place.mode}.key"

    def trusted(self) -> Path:
        """The file of the keys of other processes that may connect."""
        return self.data_dir / "keys" / "trusted"

    def effective(self, place: Place) -> dict[str, str]:
        files = {"runtime_dir": str(place.ipc_dir), "key_file": str(self.keys(place))}
        return super().effective(place) | files
