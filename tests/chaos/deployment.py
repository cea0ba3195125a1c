"""The deployment of a chaos run: real processes, with a proxy on every connection between them."""

from collections import Counter
from pathlib import Path

from chatd.files.key_file import load_keys
from chatd.files.trusted_keys import write_trusted
from tests.brokers import BrokerProcess
from tests.chaos.proxy import FaultProxy
from tests.daemons import Daemon, free_port
from tests.databases import Cluster

SETTINGS = {
    "FANOUT_REPAIR_SECONDS": 1,
    "HEARTBEAT_INTERVAL_MS": 1000,
    "CALL_TIMEOUT_MS": 3000,
    "NODE_LEASE_SECONDS": 3,
    "RETENTION_SWEEP_SECONDS": 1,
    "DELIVERY_RETRY_MS": 3000,
    "ADD_CONSENT": "invite",
}


class Deployment:
    """Default nodes and gateways as real processes, with a proxy on every connection between them,
    and between them and devices. ``curve``: all of these are encrypted. ``broker`` carries the
    queue, if there is one; a proxy stands before it."""

    def __init__(
        self,
        folder: Path,
        db_uri: str,
        *,
        defaults: int,
        gateways: int,
        cluster: Cluster | None,
        curve: bool = False,
        broker: BrokerProcess | None = None,
    ) -> None:
        self.folder = folder
        self.broker = broker
        self.curve = curve
        self.cluster = cluster
        self.hits = folder / "hits"
        self.beats = folder / "beats"
        calls = [free_port() for _ in range(defaults)]
        queues = [free_port() for _ in range(defaults)] if broker is None else [broker.port]
        self.inner = [FaultProxy(target=("127.0.0.1", port)) for port in calls + queues]
        for proxy in self.inner:
            proxy.__enter__()
        common = {**SETTINGS, "DB_URI": db_uri, "CHAOS_HITS": self.hits, "CHAOS_BEATS": self.beats}
        mark = "#curve" if curve else ""
        queue_uris = [f"tcp://127.0.0.1:{port}{mark}" for port in queues]
        if broker is not None:
            queue_uris = [f"{broker.uri_at(self.inner[-1].port)}/chaos"] * defaults
        self.defaults = [
            self._daemon(
                "default",
                f"default{number}",
                {
                    **common,
                    "DEFAULT_URI": f"tcp://127.0.0.1:{call}{mark}",
                    "QUEUE_USER_EVENT_DELIVERY_URI": queue_uri,
                },
            )
            for number, (call, queue_uri) in enumerate(zip(calls, queue_uris, strict=True))
        ]
        seen = [self.seen(proxy, self.defaults[index % defaults]) for index, proxy in enumerate(self.inner)]
        joined = {
            "DEFAULT_URI": ",".join(seen[:defaults]),
            "QUEUE_USER_EVENT_DELIVERY_URI": queue_uris[0] if broker else ",".join(seen[defaults:]),
        }
        self.gateways = [
            self._daemon("gateway", f"gateway{number}", {**common, **joined}) for number in range(gateways)
        ]
        self.outer = [
            FaultProxy(target=("127.0.0.1", int(daemon.uri.rpartition(":")[2]))) for daemon in self.gateways
        ]
        self.http = [self._door(daemon, "HTTP_URI") for daemon in self.gateways]
        self.grpc = [self._door(daemon, "GRPC_URI") for daemon in self.gateways]
        for proxy, daemon in zip(self.outer, self.gateways, strict=True):
            proxy.__enter__()
            daemon.settings["GATEWAY_URI"] += mark
            daemon.settings["GATEWAY_PUBLIC_URI"] = (
                proxy.uri
            )  # devices that are sent elsewhere go through the proxies too

        if curve:
            trusted = {self._key(daemon): daemon.settings["NODE_ID"] for daemon in self.gateways}
            write_trusted(folder / "keys" / "trusted", trusted)

    def _door(self, gateway: Daemon, setting: str) -> FaultProxy:
        """Another front of the gateway, and a proxy before it."""
        port = free_port()
        gateway.settings[setting] = f"http://127.0.0.1:{port}"
        return FaultProxy(target=("127.0.0.1", port)).__enter__()

    @property
    def before_devices(self) -> list[FaultProxy]:
        """The proxies that devices connect to."""
        return [*self.outer, *self.http, *self.grpc]

    def seen(self, proxy: FaultProxy, daemon: Daemon) -> str:
        """The address of a process, as those behind a proxy connect to it."""
        return self._with_key(proxy.uri, daemon)

    def address(self, gateway: Daemon) -> str:
        """The address of a gateway itself."""
        return self._with_key(gateway.uri, gateway)

    def _with_key(self, uri: str, daemon: Daemon) -> str:
        return f"{uri}#{self._key(daemon).hex()}" if self.curve else uri

    def _key(self, daemon: Daemon) -> bytes:
        path = self.folder / "keys" / f"{daemon.settings['NODE_ID']}-{daemon.mode}.key"
        return load_keys(path, create=True).current.public

    def _daemon(self, mode: str, name: str, settings: dict[str, object]) -> Daemon:
        return Daemon(mode, self.folder, settings, name=name, module="tests.chaos.daemon")

    @property
    def processes(self) -> list[Daemon]:
        return [*self.defaults, *self.gateways]

    def start(self) -> None:
        for daemon in self.processes:
            daemon.start()

    def close(self) -> None:
        for daemon in (*self.gateways, *self.defaults):
            daemon.kill()
        for proxy in (*self.inner, *self.before_devices):
            proxy.__exit__()

    def hit_counts(self) -> Counter[str]:
        return Counter(self.hits.read_text().split()) if self.hits.exists() else Counter()
