"""The error for a thing that a command names and that is not there."""

from chatd.errors import ClientError


class Absent(ClientError):
    """Its text names the thing. It has no name of its own: those of the protocol are about rooms and
    events."""

    name = ""
