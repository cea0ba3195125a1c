"""The error for a thing that a command names and that is not there."""

from chatd.errors import ClientError


class Absent(ClientError):
    """Its text names the thing. The error has no name: those of the protocol are about rooms and
    events."""

    name = ""
