"""A gate before a broker that speaks Kafka's protocol: it speaks TLS, or asks for a password as
Kafka's own brokers do (SASL). The broker that tests use has no way to begin with either: its
options for a certificate and for its key exclude each other, and only a user can make users."""

import asyncio
import hashlib
import hmac
import socket
import ssl
import struct
import threading
from base64 import b64decode, b64encode
from collections.abc import Generator, Sequence
from contextlib import suppress

from tests.accepting import Acceptor, accepted

_VERSIONS, _HANDSHAKE, _AUTHENTICATE = 18, 17, 36
_UNSUPPORTED_MECHANISM, _FAILED = 33, 58
Login = Generator[tuple[bytes | None, bool], bytes, None]
"""Takes what a client says; gives the answer, None for a refusal, and whether that is the end."""


class KafkaGate:
    """Listens at ``port`` of loopback between ``open`` and ``close``, in a thread of its own.
    Without a ``password`` it asks for none. ``certificate`` is a file, and the file of its key."""

    def __init__(self, port: int, target: int, password: str, certificate: Sequence[str] = ()) -> None:
        self.mechanism = "PLAIN"
        self._port = port
        self._target = target
        self._password = password
        self._tls: ssl.SSLContext | None = None
        if certificate:
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
        acceptor = Acceptor(self._serve)
        acceptor.listen(self._port)
        opened.set()
        await self._closing.wait()
        await acceptor.end()

    async def _serve(self, connection: socket.socket) -> None:
        try:
            reader, writer = await accepted(connection, self._tls)
        except OSError:
            return
        writers = [writer]
        try:
            its_reader, its_writer = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(its_writer)
            if self._password:
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
        login = self._plain() if self.mechanism == "PLAIN" else self._scram()
        next(login)
        while True:
            request = await _frame(reader)
            kind, _, number, name_length = struct.unpack_from(">hhih", request)
            body = request[10 + max(name_length, 0) :]
            is_in, error = False, 0
            if kind == _VERSIONS:
                its_writer.write(struct.pack(">i", len(request)) + request)
                answer = (await _frame(its_reader))[4:]
            elif kind == _HANDSHAKE:
                name = self.mechanism.encode()
                error = 0 if body[2:] == name else _UNSUPPORTED_MECHANISM
                answer = struct.pack(f">hih{len(name)}s", error, 1, len(name), name)
            elif kind == _AUTHENTICATE:
                said, is_in = login.send(body[4:])
                error = 0 if said is not None else _FAILED
                said = said or b""
                answer = struct.pack(f">hhi{len(said)}sq", error, -1, len(said), said, 0)
            else:
                raise EOFError
            writer.write(struct.pack(">ii", 4 + len(answer), number) + answer)
            if is_in:
                return
            if error == _FAILED:
                await writer.drain()
                raise EOFError

    def _plain(self) -> Login:
        token = yield None, False
        yield (b"", True) if token.endswith(f"\0chatd\0{self._password}".encode()) else (None, False)

    def _scram(self) -> Login:
        """RFC 5802, with SHA-512."""
        first = yield None, False
        bare = first.removeprefix(b"n,,")
        nonce, salt, rounds = _fields(bare)["r"] + "ours", b"salt", 4_096
        server = f"r={nonce},s={b64encode(salt).decode()},i={rounds}".encode()
        final = yield server, False
        without_proof, _, proof = final.rpartition(b",p=")
        salted = hashlib.pbkdf2_hmac("sha512", self._password.encode(), salt, rounds)
        said = b",".join((bare, server, without_proof))
        key = hmac.digest(salted, b"Client Key", "sha512")
        signature = hmac.digest(hashlib.sha512(key).digest(), said, "sha512")
        wanted = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        if _fields(bare)["n"] != "chatd" or b64decode(proof) != wanted:
            yield None, False
        verified = hmac.digest(hmac.digest(salted, b"Server Key", "sha512"), said, "sha512")
        yield b"v=" + b64encode(verified), True


def _fields(message: bytes) -> dict[str, str]:
    return dict(part.split("=", 1) for part in message.decode().split(","))


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    raise EOFError
