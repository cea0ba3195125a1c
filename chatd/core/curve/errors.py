"""The one error of CURVE. It is never sent: the connection is closed without a word."""

from enum import StrEnum


class CurveFailure(StrEnum):
    """The kinds of failure, for counters and logs."""

    MALFORMED = "malformed"
    """A command has a wrong length or field, whoever wrote it."""
    UNEXPECTED = "unexpected"
    """A command that has no place here, or comes after an error."""
    NOT_AUTHENTIC = "not_authentic"
    """A box does not open: the command was changed, or a key is not the one it was made for."""
    BAD_COOKIE = "bad_cookie"
    """The cookie is too old, another connection's, or no cookie."""
    BAD_VOUCH = "bad_vouch"
    """The permanent key does not vouch for this connection and this server."""
    OUT_OF_SEQUENCE = "out_of_sequence"
    """A nonce is not the next one: a command was repeated, removed or put elsewhere."""
    REFUSED = "refused"
    """The server said ERROR."""


class CurveError(Exception):
    """The peer or the network broke the protocol; this connection cannot go on.

    Neither text nor cause contains a key, nor any octet of the peer's except an ERROR's reason.
    """

    def __init__(self, failure: CurveFailure, text: str) -> None:
        super().__init__(text)
        self.failure = failure
