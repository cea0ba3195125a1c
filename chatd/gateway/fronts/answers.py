"""Answers of the gateway to one call, as the frames say them."""

from chatd.core.wire import error_from_pb
from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame


def payload_of(frame: ServerFrame) -> bytes:
    """The payload of a reply. Raises the ChatdError that was said instead."""
    if frame.HasField("reply") and not frame.reply.HasField("error"):
        return frame.reply.payload
    if frame.HasField("reply"):
        raise error_from_pb(frame.reply.error)
    raise error_from_pb(frame.closed.error if frame.HasField("closed") else frame.error)
