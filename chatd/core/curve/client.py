"""The client's side of the handshake."""

from enum import Enum, auto
from secrets import token_bytes

from chatd.core.curve import commands
from chatd.core.curve.boxes import LONG_NONCE_BYTES, SHORT_NONCE_BYTES, open_box, seal, shared_key
from chatd.core.curve.commands import require_bytes
from chatd.core.curve.errors import CurveError, CurveFailure
from chatd.core.curve.metadata import decode_metadata
from chatd.core.curve.session import FROM_CLIENT, FROM_SERVER, CurveSession
from chatd.core.key_pair import KEY_BYTES, KeyPair, new_key_pair

_HELLO_NONCE = 1
_INITIATE_NONCE = 2


class _Awaits(Enum):
    WELCOME = auto()
    READY = auto()
    NOTHING = auto()


class CurveClientHandshake:
    """One connection until READY; ``hello`` is the first command.

    ``server_key`` is S, which the client knows beforehand, ``keys`` its own permanent pair, and
    ``metadata`` what INITIATE carries. After READY, ``metadata`` is the server's (by names in small
    letters) and ``session`` the open connection. Raises ValueError for a server key that no pair
    can have.
    """

    def __init__(self, server_key: bytes, keys: KeyPair, metadata: bytes) -> None:
        transient = new_key_pair()
        hello_key = shared_key(server_key, transient.secret) if len(server_key) == KEY_BYTES else None
        if hello_key is None:
            raise ValueError("no server has this key")
        self._transient_public, self._transient_secret = transient.public, transient.secret
        self._key = hello_key
        self._server_key = server_key
        self._keys = keys
        self._our_metadata = metadata
        self._awaits = _Awaits.WELCOME
        self.metadata: dict[str, bytes] = {}
        self.session: CurveSession | None = None

    def hello(self) -> bytes:
        """HELLO, before any other command."""
        nonce = _HELLO_NONCE.to_bytes(SHORT_NONCE_BYTES, "big")
        box = seal(commands.HELLO_TEXT, commands.HELLO_NONCE + nonce, self._key)
        return commands.HELLO_START + self._transient_public + nonce + box

    def command(self, body: bytes) -> bytes | None:
        """Take WELCOME, and return INITIATE; or READY, and return None. Raises CurveError, also for
        the server's ERROR; then this handshake is over."""
        awaited, self._awaits = self._awaits, _Awaits.NOTHING
        if awaited is _Awaits.WELCOME and body.startswith(commands.WELCOME):
            initiate = self._welcome(body)
            self._awaits = _Awaits.READY
            return initiate
        if awaited is _Awaits.READY and body.startswith(commands.READY):
            self.session = self._ready(body)
            return None
        if awaited is not _Awaits.NOTHING and body.startswith(commands.ERROR):
            raise CurveError(CurveFailure.REFUSED, f"the server refused: {_reason(body)}")
        raise CurveError(CurveFailure.UNEXPECTED, "a command that is not the next one of the handshake")

    def _welcome(self, body: bytes) -> bytes:
        require_bytes("WELCOME", body, commands.WELCOME_BYTES, commands.WELCOME_BYTES)
        nonce_at = len(commands.WELCOME)
        box_at = nonce_at + LONG_NONCE_BYTES
        text = open_box(body[box_at:], commands.WELCOME_NONCE + body[nonce_at:box_at], self._key)
        if text is None:
            raise CurveError(CurveFailure.NOT_AUTHENTIC, "WELCOME is not from the server of this key")
        server, cookie = text[:KEY_BYTES], text[KEY_BYTES:]
        key = shared_key(server, self._transient_secret)
        vouch_key = shared_key(server, self._keys.secret)
        if key is None or vouch_key is None:
            raise CurveError(CurveFailure.MALFORMED, "WELCOME with a key that no pair can have")
        long_nonce = token_bytes(LONG_NONCE_BYTES)
        vouched = self._transient_public + self._server_key
        vouch = long_nonce + seal(vouched, commands.VOUCH_NONCE + long_nonce, vouch_key)
        nonce = _INITIATE_NONCE.to_bytes(SHORT_NONCE_BYTES, "big")
        text = self._keys.public + vouch + self._our_metadata
        self._key, self._transient_secret = key, b""
        return commands.INITIATE + cookie + nonce + seal(text, commands.INITIATE_NONCE + nonce, key)

    def _ready(self, body: bytes) -> CurveSession:
        require_bytes("READY", body, commands.READY_BYTES, commands.MAX_HANDSHAKE_BYTES)
        nonce_at = len(commands.READY)
        box_at = nonce_at + SHORT_NONCE_BYTES
        nonce = body[nonce_at:box_at]
        text = open_box(body[box_at:], commands.READY_NONCE + nonce, self._key)
        if text is None:
            raise CurveError(CurveFailure.NOT_AUTHENTIC, "READY whose box does not open")
        try:
            self.metadata = decode_metadata(text)
        except ValueError as exc:
            raise CurveError(CurveFailure.MALFORMED, str(exc)) from None
        key, self._key = self._key, b""
        received = int.from_bytes(nonce, "big")
        return CurveSession(key, FROM_CLIENT, FROM_SERVER, sent=_INITIATE_NONCE, received=received)


def _reason(error: bytes) -> str:
    """The reason in ERROR, if it is what RFC 26 says: its length and printable ASCII. Anybody on
    the way can have written it."""
    reason = error[len(commands.ERROR) :]
    if not reason or reason[0] != len(reason) - 1 or not all(0x21 <= octet <= 0x7E for octet in reason[1:]):
        return "no proper reason"
    return reason[1:].decode("ascii")
