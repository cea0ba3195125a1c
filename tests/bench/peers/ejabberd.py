"""ejabberd: multi-user chat with its archive (MUC and MAM in Mnesia). The ack to a sender is the
room's own copy of the message; XMPP devices acknowledge nothing here, so ejabberd has less to do
than the others."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast
from xml.sax.saxutils import escape

from tests.bench.measure import family
from tests.bench.peers.process import wait_for_port
from tests.bench.subject import STAMP_BYTES, Tally, stamped_at
from tests.daemons import free_port

SETTINGS = """hosts: [localhost]
loglevel: error
listen:
  - {{port: {port}, ip: 127.0.0.1, module: ejabberd_c2s, max_stanza_size: 262144, shaper: none, access: all}}
auth_method: [anonymous]
anonymous_protocol: sasl_anon
modules:
  mod_mam: {{db_type: mnesia, default: always}}
  mod_muc:
    db_type: mnesia
    min_message_interval: 0
    max_users: 20000
    max_user_conferences: 1000
    default_room_options: {{persistent: true, mam: true, max_users: 20000, presence_broadcast: []}}
"""
_OPEN = (
    b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    b"xmlns:stream='http://etherx.jabber.org/streams'>"
)
_MESSAGE = re.compile(rb"<message [^>]*?type='groupchat'[^>]*>(.*?)</message>", re.DOTALL)
_BODY = re.compile(rb"<body>(.{%d})" % STAMP_BYTES)
_NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_ID = re.compile(rb" id='s(\d+)'")


class _Session(asyncio.Protocol):
    """An anonymous session. ``on_stanzas`` gets whole groupchat messages."""

    def __init__(self, on_messages: Callable[[list[bytes]], None]) -> None:
        self._on_messages = on_messages
        self._rest = b""
        self._expected = b""
        self._met = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if self._expected:
            if self._expected in self._rest:
                self._rest = self._rest[self._rest.index(self._expected) + len(self._expected) :]
                self._expected = b""
                self._met.set()
            return
        end = self._rest.rfind(b"</message>")
        if end >= 0:
            whole, self._rest = self._rest[: end + 10], self._rest[end + 10 :]
            messages = [match.group(0) for match in _MESSAGE.finditer(whole) if b"<body>" in match.group(1)]
            if messages:
                self._on_messages(messages)

    async def say(self, text: bytes, expected: bytes) -> None:
        """Send, and wait for an answer that holds ``expected``."""
        self._expected = expected
        self._met.clear()
        self.transport.write(text)
        async with asyncio.timeout(30):
            await self._met.wait()

    async def join(self, room: str, nick: str) -> None:
        await self.say(
            f"<presence to='{room}@conference.localhost/{nick}'><x xmlns='http://jabber.org/protocol/muc'>"
            "<history maxstanzas='0'/></x></presence>".encode(),
            b"<subject",
        )


async def connect(port: int, on_messages: Callable[[list[bytes]], None]) -> _Session:
    loop = asyncio.get_running_loop()
    _, session = await loop.create_connection(lambda: _Session(on_messages), "127.0.0.1", port)
    await session.say(_OPEN, b"</stream:features>")
    await session.say(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>", b"<success")
    await session.say(_OPEN, b"</stream:features>")
    await session.say(
        b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", b"</iq>"
    )
    return session


class EjabberdReceivers:
    def __init__(self, port: int, tally: Tally) -> None:
        self._port = port
        self._tally = tally
        self._sessions: list[_Session] = []

    async def open(self, rooms: Mapping[str, Sequence[str]]) -> "EjabberdReceivers":
        sessions: dict[str, _Session] = {}
        for room, members in rooms.items():
            for member in members:
                if member not in sessions:
                    sessions[member] = await connect(self._port, self._reader(len(sessions)))
                await sessions[member].join(room, member)
        self._sessions = list(sessions.values())
        return self

    def _reader(self, index: int) -> Callable[[list[bytes]], None]:
        def on_messages(messages: list[bytes]) -> None:
            self._tally.count(
                index,
                [stamped_at(match.group(1)) for match in map(_BODY.search, messages) if match is not None],
            )

        return on_messages

    def close(self) -> None:
        for session in self._sessions:
            session.transport.close()


class EjabberdSender:
    """A member of every room; its own message, come back, is the ack."""

    def __init__(self, on_ack: Callable[[object], None]) -> None:
        self._on_ack = on_ack
        self._waiting: dict[int, object] = {}
        self._number = 0

    async def open(self, port: int, rooms: Sequence[str]) -> "EjabberdSender":
        self._session = await connect(port, self._on_messages)
        for room in rooms:
            await self._session.join(room, "sender")
        return self

    def send(self, room: str, body: bytes, tag: object) -> None:
        self._number += 1
        self._waiting[self._number] = tag
        text = _NOT_XML.sub(b"", escape(body.decode()).encode())
        message = b"<message to='%b@conference.localhost' type='groupchat' id='s%d'><body>%b</body></message>"
        self._session.transport.write(message % (room.encode(), self._number, text))

    def _on_messages(self, messages: list[bytes]) -> None:
        for message in messages:
            found = _ID.search(message)
            if found is not None:
                self._on_ack(self._waiting.pop(int(found.group(1))))

    def close(self) -> None:
        self._session.transport.close()


class Ejabberd:
    name = "ejabberd"
    promise = "in Mnesia's log; written by the system when it likes"

    def start(self, folder: Path) -> str:
        program = shutil.which("ejabberdctl") or "/usr/sbin/ejabberdctl"
        self._port = free_port()
        settings = SETTINGS.format(port=self._port)
        (folder / "ejabberd.yml").write_text(settings)
        (folder / "ejabberdctl.cfg").write_text(f"EJABBERD_CONFIG_PATH={folder}/ejabberd.yml\n")
        become: list[str] = []
        if os.getuid() == 0:
            # Not by ejabberdctl itself: its su would take the descriptors of a login, 1,024.
            become = ["setpriv", "--reuid=ejabberd", "--regid=ejabberd", "--init-groups"]
            for path in (folder, folder / "ejabberd.yml", folder / "ejabberdctl.cfg"):
                shutil.chown(path, "ejabberd")
        self._control = [
            *become, program, "--ctl-config", str(folder / "ejabberdctl.cfg"), "--spool", str(folder),
            "--logs", str(folder), "--node", f"bench{self._port}@localhost",
        ]  # fmt: skip
        self._environment = {**os.environ, "HOME": str(folder)}
        self._process = subprocess.Popen(
            [*self._control, "foreground-quiet"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        )
        wait_for_port(self._port)
        return settings

    def stop(self) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": self._environment}
        subprocess.run([*self._control, "stop"], check=False, timeout=30, **quiet)  # type: ignore[call-overload]
        self._process.wait(30)

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"ejabberd": family(self._process.pid)}  # whoever became the user, and the Erlang below him

    async def receivers(self, rooms: Mapping[str, Sequence[str]], tally: Tally) -> EjabberdReceivers:
        return await EjabberdReceivers(self._port, tally).open(rooms)

    async def sender(self, rooms: Sequence[str], on_ack: Callable[[object], None]) -> EjabberdSender:
        return await EjabberdSender(on_ack).open(self._port, rooms)
