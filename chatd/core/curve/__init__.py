"""CURVE, the encrypted ZMTP connection: commands in, commands out. No I/O, no clock.

RFC 26/CURVEZMQ is the protocol and RFC 25/ZMTP-CURVE its place in ZMTP; libzmq's practice holds
where it goes beyond them. All cryptography is libsodium's, by PyNaCl.

    C: HELLO      C' and proof of c'
    S: WELCOME    S' and a cookie, which is the server's only memory of s'
    C: INITIATE   the cookie, C, a vouch of C for C' and S, metadata
    S: READY      metadata; or ERROR, or nothing
    C: MESSAGE    any number, in both directions
    S: MESSAGE

C and S are permanent public keys, C' and S' those of the connection; secret keys are small letters.

A command here is the body of a ZMTP frame, from the length of its name on. The greeting, frames and
the limit of their size are the caller's. HELLO to READY, and ERROR, travel in frames with ZMTP's
command bit. MESSAGE travels in frames **without** it, and without MORE: libzmq takes both bits for
those of the message inside. Some other implementations set it, so either is to be read. Commands of
an open connection, PING and PONG, are the text of a MESSAGE with the flag COMMAND.

Any CurveError ends the connection. The caller closes it without a word: libzmq reconnects after
that, but gives up for good after an ERROR, or anything else that it takes for a breach of protocol.

Secrets are dropped as soon as they are done with. Python gives no means to overwrite ``bytes``, so
what was dropped may stay in freed memory.
"""

from chatd.core.curve.client import CurveClientHandshake
from chatd.core.curve.commands import MAX_HANDSHAKE_BYTES
from chatd.core.curve.errors import CurveError, CurveFailure
from chatd.core.curve.metadata import decode_metadata, encode_metadata
from chatd.core.curve.server import CurveServer, CurveServerHandshake
from chatd.core.curve.session import COMMAND, MORE, OVERHEAD_BYTES, CurveSession
from chatd.core.key_pair import KEY_BYTES, KeyPair, decode_key, encode_key, new_key_pair

__all__ = [
    "COMMAND",
    "KEY_BYTES",
    "MAX_HANDSHAKE_BYTES",
    "MORE",
    "OVERHEAD_BYTES",
    "CurveClientHandshake",
    "CurveError",
    "CurveFailure",
    "CurveServer",
    "CurveServerHandshake",
    "CurveSession",
    "KeyPair",
    "decode_key",
    "decode_metadata",
    "encode_key",
    "encode_metadata",
    "new_key_pair",
]
