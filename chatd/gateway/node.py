"""GatewayNode: the life of one gateway. Its parts do the work; this file says in which order they
begin and end.

front ─▶ GatewayServer ─▶ Backend ─▶ default nodes
front ◀─ DeviceSender ◀─ LiveDelivery ◀─ Subscriber
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from chatd.core.address import Address
from chatd.core.key_pair import KeyPair
from chatd.core.metric import Metric
from chatd.errors import ChatdError
from chatd.files.certificate import Certificate
from chatd.gateway.authentication.webhook import WebhookTokens
from chatd.gateway.backend import Backend
from chatd.gateway.discovery import Discovery
from chatd.gateway.drain import Drain
from chatd.gateway.fronts.door import OnFrame
from chatd.gateway.fronts.zmtp import ZmtpFront
from chatd.gateway.introduction import Introduction
from chatd.gateway.node_queues import NodeQueues
from chatd.gateway.public_address import public_address
from chatd.gateway.queue_watch import QueueWatch
from chatd.gateway.refusals import Refusals
from chatd.gateway.reload import Reload
from chatd.gateway.resync import Resync
from chatd.gateway.watch import Watch
from chatd.transport.queue import OnMessages, Subscriber
from chatd.transport.sockets import Context
from chatd.transport.timers import Timers

if TYPE_CHECKING:
    from chatd.gateway.fronts.grpc.front import GrpcFront
    from chatd.gateway.fronts.http.front import HttpFront

log = structlog.get_logger()

ANEW_SECONDS = 0.5
"""Between leaving the queues and coming back with another key."""


@dataclass(frozen=True, slots=True)
class GatewayAddresses:
    """``public_uri`` is where devices reach the gateway; empty: where it is bound, at
    ``public_host`` if that is all addresses of the machine. ``http_uri`` and ``grpc_uri`` are the
    tcp:// addresses for HTTP and gRPC, or empty. ``queue_uris`` and ``node_uris`` are the nodes to
    begin with."""

    bind_uri: str
    http_uri: str
    grpc_uri: str
    public_uri: str
    public_host: str
    queue_uris: Sequence[str]
    node_uris: Sequence[str]


class GatewayNode:
    """``start`` it, then ``drain`` and ``close``. ``every`` are recurring actions and their periods
    in seconds."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        front: ZmtpFront,
        http: "HttpFront | None",
        grpc: "GrpcFront | None",
        refusals: Refusals,
        subscriber: Subscriber,
        backend: Backend,
        discovery: Discovery,
        queues: NodeQueues,
        introduction: Introduction,
        watch: Watch,
        resync: Resync,
        queue_watch: QueueWatch,
        drain: Drain,
        reload: Reload,
        webhook: WebhookTokens | None,
        every: Sequence[tuple[float, Callable[[], None]]],
        metrics: Sequence[Metric],
    ) -> None:
        self._loop = loop
        self._front = front
        self._http = http
        self._grpc = grpc
        self._refusals = refusals
        self._subscriber = subscriber
        self._backend = backend
        self._discovery = discovery
        self._queues = queues
        self._introduction = introduction
        self._watch = watch
        self._resync = resync
        self._queue_watch = queue_watch
        self._every = every
        self._timers = Timers(loop)
        self._drain = drain
        self._webhook = webhook
        self.reload = reload.run
        self.metrics = metrics
        self._addresses = GatewayAddresses("", "", "", "", "", (), ())
        self._bound = ""
        self.uri = ""
        """The address that devices use."""
        self.http_uri = ""
        """The tcp:// address at which HTTP is spoken; empty: nowhere."""
        self.grpc_uri = ""
        """Likewise for gRPC."""

    @property
    def ready(self) -> bool:
        """True if any default node has answered lately."""
        return self._backend.ready

    @property
    def problem(self) -> str:
        """The reason why it is not ready; empty if it is."""
        return self._backend.problem

    @property
    def is_drained(self) -> bool:
        """True while an operator has taken it out of service."""
        return self._drain.is_drained

    @property
    def queue_problem(self) -> str:
        """The reason why nothing that is published reaches it, and would reach another gateway;
        empty if it does."""
        return "" if self._subscriber.is_shared else self._watch.problem

    @property
    def pulling(self) -> str:
        """The reason why its streams live by pulls; empty if they do not."""
        return self._queue_watch.problem

    def start(
        self,
        context: Context,
        addresses: GatewayAddresses,
        *,
        on_frame: OnFrame,
        after_batch: Callable[[], None],
        on_messages: OnMessages,
    ) -> None:
        """Bind, connect to the default nodes, begin. Raises ConfigError."""
        self._addresses = addresses
        refuse = self._refusals.frame
        self._bound = self._front.open(
            context, addresses.bind_uri, on_frame=on_frame, refuse=refuse, after_batch=after_batch
        )
        try:
            if self._http is not None:
                self.http_uri = self._http.open(
                    context, addresses.http_uri, on_frame=on_frame, refuse=refuse, after_batch=after_batch
                )
            if self._grpc is not None:
                self.grpc_uri = self._grpc.open(
                    addresses.grpc_uri,
                    on_frame=on_frame,
                    after_batch=after_batch,
                    is_ready=lambda: self.ready and not self.is_drained,
                )
            public = self._public_address()
            self._subscriber.open(context, addresses.queue_uris, on_messages, self._queue_watch.missed)
            self._backend.connect(context, addresses.node_uris)
            self._discovery.remember()
        except ChatdError:
            self.close()
            raise
        self._watch.open(self._resync.topics)
        self._introduction.begin(public)
        for seconds, action in self._every:
            self._timers.every(seconds, action)

    def _public_address(self) -> Address:
        public = self._address_with(self._front.public_keys)
        self.uri = str(public)
        return public

    def _address_with(self, keys: Sequence[bytes]) -> Address:
        addresses = self._addresses
        return public_address(addresses.public_uri, addresses.public_host, self._bound, keys)

    def change_keys(self, pairs: Sequence[KeyPair]) -> None:
        """Connections of devices that come from now on are encrypted with these keys, if they are
        encrypted; the newest is announced. Raises ConfigError, and changes nothing, if the settings
        name a key that is none of these."""
        if not self._front.public_keys:
            return
        self._address_with([pair.public for pair in pairs])
        self._front.change_keys(pairs)
        before, public = self.uri, self._public_address()
        if self.uri != before:
            log.info("Devices are told of a new key", gateway=self.uri)
            self._introduction.announce(public)

    def change_certificate(self, certificate: Certificate) -> None:
        """Connections of HTTP and gRPC that come from now on are encrypted with it, if they are
        encrypted."""
        if self._http is not None and self._http.tls is not None:
            self._http.tls = certificate.tls
        if self._grpc is not None:
            self._grpc.change_certificate(certificate)

    async def drain(self, seconds: float) -> None:
        """Send the devices away and wait for what is under way, for ``seconds`` at most; then
        accept and hear nothing more."""
        await self._drain.run(seconds)
        await self._front.drain()
        if self._http is not None:
            await self._http.drain()
        if self._grpc is not None:
            await self._grpc.drain()
        if self._webhook is not None:
            await self._webhook.close()

    def connect_anew(self) -> None:
        """Connect to the default nodes with the key that the process has by now."""
        self._backend.connect_anew()
        self._queues.connect_anew(partial(self._loop.call_later, ANEW_SECONDS))

    def close(self) -> None:
        """Close all that is open."""
        self._timers.cancel()
        self._introduction.close()
        self._watch.close()
        self._backend.close()
        self._subscriber.close()
        self._front.close()
        if self._http is not None:
            self._http.close()
        if self._grpc is not None:
            self._grpc.close()
