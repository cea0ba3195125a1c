"""The server's side of the handshake.

Between WELCOME and INITIATE a connection costs the server 24 octets, the nonces of its cookie and
of HELLO. The cookie's nonce ties it to this connection. Without it, whoever recorded a connection
could repeat all of it on another one while the cookie is good, since the cookie key is common, and
the server would use its nonces twice. Implementations with a cookie key for each connection need
none.
"""

from enum import Enum, auto
from secrets import token_bytes

from chatd.core.curve import commands
from chatd.core.curve.boxes import LONG_NONCE_BYTES, SHORT_NONCE_BYTES, open_box, same, seal, shared_key
from chatd.core.curve.commands import require_bytes
from chatd.core.curve.cookies import COOKIE_BYTES, CookieKeys
from chatd.core.curve.errors import CurveError, CurveFailure
from chatd.core.curve.metadata import decode_metadata
from chatd.core.curve.session import FROM_CLIENT, FROM_SERVER, CurveSession
from chatd.core.key_pair import KEY_BYTES, KeyPair, new_key_pair

_FIRST_NONCE = 1


class CurveServer:
    """A listener's part: its permanent keys and its cookie keys.

    While the server's key is changed there are two pairs, and a client may know either: ``pairs``
    are all that are good, the newest last. They may be replaced at any time, for connections that
    come from then on.
    """

    def __init__(self, *pairs: KeyPair) -> None:
        self.pairs = pairs
        self.cookie_keys = CookieKeys()

    @property
    def public(self) -> bytes:
        """The public key that clients are to be told."""
        return self.pairs[-1].public

    def handshake(self) -> "CurveServerHandshake":
        """The handshake of a new connection."""
        return CurveServerHandshake(self.pairs, self.cookie_keys)

    def discard_cookie_keys(self, now: float) -> None:
        """Forget cookie keys that are too old. Handshakes do this on their way; a listener calls it
        every few seconds, so that none outlives its time when nobody comes."""
        self.cookie_keys.discard(now)


class _Awaits(Enum):
    HELLO = auto()
    INITIATE = auto()
    VERDICT = auto()
    NOTHING = auto()


class CurveServerHandshake:
    """One connection until READY.

    HELLO is answered with WELCOME. After INITIATE, ``client_key`` (C) and ``metadata`` (by names in
    small letters) are the client's, proved to be its own, and the caller decides: ``accept``,
    ``refuse``, or to close the connection.
    """

    __slots__ = (
        "_awaits",
        "_cookie_nonce",
        "_cookies",
        "_key",
        "_pairs",
        "_received",
        "client_key",
        "metadata",
    )

    def __init__(self, pairs: tuple[KeyPair, ...], cookies: CookieKeys) -> None:
        self._pairs = pairs  # after HELLO the one that it is for
        self._cookies = cookies
        self._awaits = _Awaits.HELLO
        self._received = 0
        self._cookie_nonce = b""
        self._key = b""
        self.client_key = b""
        self.metadata: dict[str, bytes] = {}

    def command(self, body: bytes, now: float) -> bytes | None:
        """Take HELLO, and return WELCOME; or INITIATE, and return None. ``now`` is in seconds of
        the listener's steady clock. Raises CurveError; then this handshake is over."""
        awaited, self._awaits = self._awaits, _Awaits.NOTHING
        if awaited is _Awaits.HELLO and body.startswith(commands.HELLO):
            welcome = self._hello(body, now)
            self._awaits = _Awaits.INITIATE
            return welcome
        if awaited is _Awaits.INITIATE and body.startswith(commands.INITIATE):
            self._initiate(body, now)
            self._awaits = _Awaits.VERDICT
            return None
        raise CurveError(CurveFailure.UNEXPECTED, "a command that is not the next one of the handshake")

    def accept(self, metadata: bytes) -> tuple[bytes, CurveSession]:
        """READY with our ``metadata``, to be sent first, and the open connection."""
        key = self._decide()
        nonce = _FIRST_NONCE.to_bytes(SHORT_NONCE_BYTES, "big")
        ready = commands.READY + nonce + seal(metadata, commands.READY_NONCE + nonce, key)
        session = CurveSession(key, FROM_SERVER, FROM_CLIENT, sent=_FIRST_NONCE, received=self._received)
        return ready, session

    def refuse(self, status: str) -> bytes:
        """ERROR, after which libzmq never tries again with this client's socket. ``status`` is seen
        by everybody on the way; libzmq tells its program of 300, 400 and 500 (RFC 27)."""
        self._decide()
        reason = status.encode("ascii")
        return commands.ERROR + bytes((len(reason),)) + reason

    def _decide(self) -> bytes:
        if self._awaits is not _Awaits.VERDICT:
            raise RuntimeError("there is no client to decide on")
        self._awaits = _Awaits.NOTHING
        key, self._key = self._key, b""
        return key

    def _hello(self, body: bytes, now: float) -> bytes:
        require_bytes("HELLO", body, commands.HELLO_BYTES, commands.HELLO_BYTES)
        key_at = len(commands.HELLO_START)
        nonce_at = key_at + KEY_BYTES
        box_at = nonce_at + SHORT_NONCE_BYTES
        if body[:key_at] != commands.HELLO_START:
            raise CurveError(CurveFailure.MALFORMED, "HELLO of another version, or not padded with zeros")
        client, nonce = body[key_at:nonce_at], body[nonce_at:box_at]
        key = self._key_of(client, commands.HELLO_NONCE + nonce, body[box_at:])
        transient = new_key_pair()
        cookie = self._cookies.seal(client, transient.secret, now)
        self._cookie_nonce = cookie[:LONG_NONCE_BYTES]
        self._received = int.from_bytes(nonce, "big")
        long_nonce = token_bytes(LONG_NONCE_BYTES)
        box = seal(transient.public + cookie, commands.WELCOME_NONCE + long_nonce, key)
        return commands.WELCOME + long_nonce + box

    def _key_of(self, client: bytes, nonce: bytes, box: bytes) -> bytes:
        """The key of HELLO's box, which is for one of the pairs. The time that this takes tells
        which one, and that is no secret."""
        for pair in self._pairs:
            key = shared_key(client, pair.secret)
            text = open_box(box, nonce, key)
            if key is not None and text is not None and same(text, commands.HELLO_TEXT):
                self._pairs = (pair,)
                return key
        raise CurveError(CurveFailure.NOT_AUTHENTIC, "HELLO is not made for a key of this server")

    def _initiate(self, body: bytes, now: float) -> None:
        require_bytes("INITIATE", body, commands.INITIATE_BYTES, commands.MAX_HANDSHAKE_BYTES)
        cookie_at = len(commands.INITIATE)
        nonce_at = cookie_at + COOKIE_BYTES
        box_at = nonce_at + SHORT_NONCE_BYTES
        cookie, nonce = body[cookie_at:nonce_at], body[nonce_at:box_at]
        opened = None
        if same(cookie[:LONG_NONCE_BYTES], self._cookie_nonce):
            opened = self._cookies.open(cookie, now)
        if opened is None:
            raise CurveError(CurveFailure.BAD_COOKIE, "a cookie that is too old or not this connection's")
        transient_client, transient_secret = opened
        number = int.from_bytes(nonce, "big")
        if number != self._received + 1:
            raise CurveError(CurveFailure.OUT_OF_SEQUENCE, "INITIATE does not follow its HELLO")
        key = shared_key(transient_client, transient_secret)
        text = open_box(body[box_at:], commands.INITIATE_NONCE + nonce, key)
        if key is None or text is None:
            raise CurveError(CurveFailure.NOT_AUTHENTIC, "INITIATE whose box does not open")
        metadata_at = KEY_BYTES + commands.VOUCH_BYTES
        client, vouch = text[:KEY_BYTES], text[KEY_BYTES:metadata_at]
        if not _vouches(vouch, client, transient_secret, transient_client + self._pairs[0].public):
            raise CurveError(CurveFailure.BAD_VOUCH, "a vouch for another connection or server")
        try:
            metadata = decode_metadata(text[metadata_at:])
        except ValueError as exc:
            raise CurveError(CurveFailure.MALFORMED, str(exc)) from None
        self._key, self._received = key, number
        self.client_key, self.metadata = client, metadata


def _vouches(vouch: bytes, client: bytes, transient_secret: bytes, expected: bytes) -> bool:
    """True if the owner of the permanent key ``client`` wrote Box[C',S](C->S'). The server's key in
    it keeps another server that the client trusts from posing as the client here."""
    key = shared_key(client, transient_secret)
    nonce, box = commands.VOUCH_NONCE + vouch[:LONG_NONCE_BYTES], vouch[LONG_NONCE_BYTES:]
    text = open_box(box, nonce, key)
    return text is not None and same(text, expected)
