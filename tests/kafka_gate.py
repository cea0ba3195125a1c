"""A gate before a broker that speaks Kafka's protocol: it speaks TLS, or asks for a password as
Kafka's own brokers do (SASL, PLAIN). The broker that tests use has no way to begin with either: its
options for a certificate and for its key exclude each other, and only a user can make users."""

import asyncio
import ssl
import struct
import threading
from contextlib import suppress

_VERSIONS, _HANDSHAKE, _AUTHENTICATE = 18, 17, 36
_UNSUPPORTED_MECHANISM, _FAILED = 33, 58


class KafkaGate:
    """Listens at ``port`` of loopback between ``open`` and ``close``, in a thread of its own.
    ``certificate`` is a file, and the file of its key."""

    def __init__(
        self, port: int, target: int, *, password: str = "", certificate: tuple[str, str] | None = None
    ) -> None:
        self._port = port
        self._target = target
        self._token = f"chatd\0chatd\0{password}".encode() if password else b""
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(*certificate)

    def open(self) -> None:
        opened = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(
            target=lambda: self._loop.run_until_complete(self._run(opened)), name="gate", daemon=True
        )
        self._thread.start()
        assert opened.wait(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._loop.close()

    async def _run(self, opened: threading.Event) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls)
        opened.set()
        await self._closing.wait()
        server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            its_reader, its_writer = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(its_writer)
            if self._token:
                await self._let_in(reader, writer, its_reader, its_writer)
            await asyncio.gather(_copy(reader, its_writer), _copy(its_reader, writer))
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            for one in writers:
                one.transport.abort()

    async def _let_in(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        its_reader: asyncio.StreamReader,
        its_writer: asyncio.StreamWriter,
    ) -> None:
        """Raises EOFError: as Kafka's brokers, it hangs up on who asks for anything else."""
        while True:
            request = await _frame(reader)
            kind, _, number, name_length = struct.unpack_from(">hhih", request)
            body = request[10 + max(name_length, 0) :]
            error = 0
            if kind == _VERSIONS:
                its_writer.write(struct.pack(">i", len(request)) + request)
                answer = (await _frame(its_reader))[4:]
            elif kind == _HANDSHAKE:
                error = 0 if body[2:] == b"PLAIN" else _UNSUPPORTED_MECHANISM
                answer = struct.pack(">hih5s", error, 1, 5, b"PLAIN")
            elif kind == _AUTHENTICATE:
                error = 0 if body[4:] == self._token else _FAILED
                answer = struct.pack(">hhiq", error, -1, 0, 0)
            else:
                raise EOFError
            writer.write(struct.pack(">ii", 4 + len(answer), number) + answer)
            if kind == _AUTHENTICATE:
                if error:
                    await writer.drain()
                    raise EOFError
                return


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    raise EOFError
