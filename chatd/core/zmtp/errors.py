"""The ends of a connection that its peer has brought about."""


class ProtocolError(Exception):
    """The connection cannot go on. ``answer`` is to be sent before it ends; empty for a peer that
    would not understand it."""

    kind = "broken protocol"
    """For logs that count."""

    def __init__(self, reason: str, answer: bytes = b"") -> None:
        super().__init__(reason)
        self.answer = answer


class NotZmtp3(ProtocolError):
    """The peer speaks ZMTP 1 or 2, which needs no answer that it could read, or no ZMTP."""

    kind = "old or foreign protocol"


class OtherSecurity(ProtocolError):
    """The peer wants another security mechanism than is spoken here, which its own greeting and
    this side's tell both of them."""

    kind = "other security mechanism"


class NoHandshake(ProtocolError):
    """The peer has not proved what the security mechanism asks for, or knows another key of this
    side."""

    kind = "failed handshake"
