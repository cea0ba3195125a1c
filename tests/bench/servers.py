"""The processes under measurement."""

import time
from pathlib import Path

from tests.bench.measure import cpu_seconds
from tests.daemons import Daemon, operator_token


class Servers:
    """A default node and a gateway, two processes."""

    def __init__(self, folder: Path, db_uri: str) -> None:
        self.folder = folder
        settings = {"DB_URI": db_uri} if db_uri else {}
        self.default = Daemon("default", folder, settings)
        self.gateway = Daemon("gateway", folder, settings)

    def __enter__(self) -> "Servers":
        self.default.start()
        self.gateway.start()
        self.token = operator_token(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.stop()
        self.default.stop()

    def cpu(self) -> dict[str, float]:
        return {"default": cpu_seconds(self.default.pid), "gateway": cpu_seconds(self.gateway.pid), "load": time.process_time()}
