"""A check's stage: the program, its folder, and the gateways that are played to it."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from chatd.conformance.findings import SECONDS, Failed
from chatd.conformance.gateway import Gateway
from chatd.conformance.peer import Peer
from chatd.conformance.program import Program
from chatd.pb.gateway.v1.gateway_pb2 import Hello

DEVICE = "judged"


class Stage:
    """``gateway`` is the one that the program is told of."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = command
        self._folder = folder
        self._stack = AsyncExitStack()
        self._programs: list[Program] = []
        self.gateway = Gateway(self._has_client)

    def _has_client(self) -> bool:
        return any(not program.has_ended for program in self._programs)

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.gateway)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for program in self._programs:
            await program.kill()
        await self._stack.aclose()

    async def another_gateway(self) -> Gateway:
        """A second one, which the program has to be told of."""
        return await self._stack.enter_async_context(Gateway(self._has_client))

    async def run(self, *words: str) -> Program:
        """Start the program with these words behind its command."""
        program = await Program.start([*self._command, *words], self.gateway.uri, self._folder)
        self._programs.append(program)
        return program

    async def stream(self) -> Program:
        """Start it as the device's stream, with the state that an earlier run has left."""
        return await self.run("stream", DEVICE, str(self._folder / "state"))

    async def open(self, **welcome: Any) -> tuple[Program, Peer, Hello]:
        """Start it, C: Hello, S: Welcome, CaughtUp."""
        program = await self.stream()
        peer, hello = await self.welcome(**welcome)
        return program, peer, hello

    async def welcome(self, **fields: Any) -> tuple[Peer, Hello]:
        """The next connection, C: Hello, S: Welcome, CaughtUp."""
        peer = await self.gateway.connection()
        hello = await peer.hello()
        peer.welcome(hello, **fields)
        peer.caught_up()
        return peer, hello

    async def next_hello(self, peer: Peer) -> tuple[Peer, Hello]:
        """C: the next Hello, on this connection or another one."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while not peer.waiting and not peer.has_ended:
            if asyncio.get_running_loop().time() > deadline:
                raise Failed("it does not say Hello again")
            await asyncio.sleep(0.01)
        if not peer.waiting:
            peer = await self.gateway.connection()
        return peer, await peer.hello()

    @property
    def last_words(self) -> str:
        """The last line that the program wrote to standard error."""
        return self._programs[-1].last_words if self._programs else ""
