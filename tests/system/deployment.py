"""Whole deployments of real processes: one `chatd all`, or several default nodes and gateways on
one database."""

from pathlib import Path

from tests.daemons import Daemon, free_port, operator_token


class Deployment:
    """``gateways`` and ``defaults`` can be killed and started again one by one. ``queue`` is the
    address of a broker that carries the queue."""

    def __init__(
        self,
        folder: Path,
        db_uri: str,
        *,
        defaults: int,
        gateways: int,
        transport: str = "ipc",
        queue: str = "",
        **settings: object,
    ) -> None:
        self.folder = folder
        calls, queues = (
            [self._address(transport, f"{kind}{number}") for number in range(defaults)]
            for kind in ("call", "queue")
        )
        if queue:
            queues = [queue]
        common = {"DB_URI": db_uri, **settings}
        self.defaults = [
            Daemon(
                "default",
                folder,
                {
                    **common,
                    "DEFAULT_URI": calls[number],
                    "QUEUE_USER_EVENT_DELIVERY_URI": queues[number % len(queues)],
                },
                name=f"default{number}",
            )
            for number in range(defaults)
        ]
        joined = {"DEFAULT_URI": ",".join(calls), "QUEUE_USER_EVENT_DELIVERY_URI": ",".join(queues)}
        self.gateways = [
            Daemon("gateway", folder, {**common, **joined}, name=f"gateway{number}")
            for number in range(gateways)
        ]
        self.all = [] if defaults else [Daemon("all", folder, common)]

    def _address(self, transport: str, name: str) -> str:
        return f"ipc://{self.folder}/{name}" if transport == "ipc" else f"tcp://127.0.0.1:{free_port()}"

    def __enter__(self) -> "Deployment":
        try:
            for daemon in (*self.defaults, *self.gateways, *self.all):
                daemon.start()
        except BaseException:
            self.__exit__()  # nobody else ends those that have started
            raise
        self.token = operator_token(self.folder) if self.gateways or self.all else ""
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in (*self.all, *self.gateways, *self.defaults):
            daemon.stop()

    def uri(self, number: int = 0) -> str:
        """A gateway's address for devices."""
        return (self.gateways or self.all)[number % len(self.gateways or self.all)].uri
