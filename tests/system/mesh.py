"""Default nodes and gateways that know each other by their keys, each in a folder of its own, as on
machines of their own."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from chatd.core.address import Address, reached_at
from chatd.files.key_file import Keys, begin_rotation, end_rotation, load_keys
from chatd.files.trusted_keys import read_trusted, write_trusted
from tests.daemons import Daemon, free_port


class Machine(Daemon):
    """A process with a folder of its own. Its keys are there before it starts."""

    def __init__(self, mode: str, folder: Path, **settings: object) -> None:
        super().__init__(mode, folder / "data", settings, name=folder.name)
        self.key_file = self.folder / "keys" / f"{folder.name}-{mode}.key"
        self.trusted = self.folder / "keys" / "trusted"
        load_keys(self.key_file, create=True)

    @property
    def keys(self) -> Keys:
        return load_keys(self.key_file, create=False)

    def trust(self, other: "Machine") -> None:
        """As `chatd keys trust` does."""
        write_trusted(
            self.trusted, {**read_trusted(self.trusted), other.keys.newest.public: other.folder.name}
        )

    def untrust(self, other: "Machine") -> None:
        """As `chatd keys untrust` does."""
        publics = {pair.public for pair in other.keys.pairs}
        left = {key: name for key, name in read_trusted(self.trusted).items() if key not in publics}
        write_trusted(self.trusted, left)

    def hang_up(self, said: str, change: Callable[[Path], Keys] | None = None) -> None:
        """Change the key file, send SIGHUP, and wait until the log says so."""
        offset = self.log.stat().st_size
        if change is not None:
            change(self.key_file)
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)
        self.until(said, offset)

    def rotate(self) -> None:
        """Both keys are good from now on."""
        self.hang_up("were reloaded", begin_rotation)

    def finish(self) -> None:
        """The old one no longer is."""
        self.hang_up("were reloaded", end_rotation)

    def until(self, said: str, offset: int = 0, seconds: float = 20) -> None:
        """Wait until the log says this, behind ``offset``."""
        deadline = time.monotonic() + seconds
        while said not in self.log.read_text()[offset:]:
            assert time.monotonic() < deadline, f"{said!a} is not in {self.log.read_text()[offset:]}"
            time.sleep(0.01)


def node_at(folder: Path, host: str, db_uri: str = "", **settings: object) -> Machine:
    """A default node that takes encrypted connections at ``host``."""
    given = {"DB_URI": db_uri} if db_uri else {}
    mark = "#curve" if host == "127.0.0.1" else ""
    own = {
        key: f"tcp://{host}:{free_port()}{mark}" for key in ("DEFAULT_URI", "QUEUE_USER_EVENT_DELIVERY_URI")
    }
    return Machine("default", folder, **given, **own, NODE_LEASE_SECONDS=1, **settings)


def address_of(node: Machine) -> str:
    """The line that a gateway's settings need."""
    endpoint = node.settings["DEFAULT_URI"].partition("#")[0]
    return str(Address(reached_at(endpoint, node.settings.get("PUBLIC_HOST", "")), node.keys.current.public))


def gateway_of(folder: Path, *nodes: Machine, **settings: object) -> Machine:
    """A gateway that has been told one line. A message that does not come by the queue is not
    repaired."""
    uris = ",".join(map(address_of, nodes))
    return Machine("gateway", folder, DEFAULT_URI=uris, REPAIR_PULL_SECONDS=3600, **settings)
