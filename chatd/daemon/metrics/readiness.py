"""Readiness: whether this process can do its work now, and what is in its way."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from chatd.default.node import DefaultNode
from chatd.errors import ChatdError
from chatd.gateway.node import GatewayNode

PING_SECONDS = 2.0
"""A database that has not answered for so long does not answer."""


class Readiness:
    """``node`` and ``gateway`` are what the process has of them; ``is_stopping`` is true once it
    has been told to end."""

    def __init__(
        self, node: DefaultNode | None, gateway: GatewayNode | None, *, is_stopping: Callable[[], bool]
    ) -> None:
        self._node = node
        self._gateway = gateway
        self._is_stopping = is_stopping
        self._ping: asyncio.Task[None] | None = None

    async def problems(self) -> list[str]:
        """A line for each reason why it is not ready."""
        found = ["the process is stopping"] if self._is_stopping() else []
        if self._node is not None:
            found.append(await self._database_problem(self._node))
            found += ["an operator has drained the default node"] if self._node.is_drained else []
        if self._gateway is not None:
            found += [self._gateway.problem or self._gateway.queue_problem]
            found += ["an operator has drained the gateway"] if self._gateway.is_drained else []
        return [problem for problem in found if problem]

    async def _database_problem(self, node: DefaultNode) -> str:
        """Empty if the database answers, and takes writes as far as that is known."""
        # One question at a time, however many ask.
        if self._ping is None or self._ping.done():
            self._ping = asyncio.get_running_loop().create_task(node.ping(), name="ping")
        done, _ = await asyncio.wait({self._ping}, timeout=PING_SECONDS)
        if not done:
            return f"the database has not answered for {PING_SECONDS:g} s"
        error = self._ping.exception()
        if isinstance(error, ChatdError):
            return f"the database does not answer: {error}"
        if error is not None:
            return "the database does not answer"
        if node.away_since_us:
            since = datetime.fromtimestamp(node.away_since_us / 1e6, UTC).isoformat(timespec="seconds")
            return f"the database takes no writes since {since}"
        return ""
