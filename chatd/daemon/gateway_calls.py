"""The calls of operators that are about one gateway and its streams."""

from typing import Any

from chatd.daemon.gateway_streams import Streams
from chatd.daemon.settings import Settings
from chatd.gateway.drain import Drain
from chatd.gateway.kick import Kick
from chatd.gateway.stream_list import StreamList
from chatd.pb.admin.v1 import admin_pb2
from chatd.transport.process_calls import ProcessCall


def gateway_calls(settings: Settings, streams: Streams, drain: Drain) -> tuple[ProcessCall[Any], ...]:
    """Rows for the gateway's ProcessCalls."""
    kick = Kick(
        streams.connections,
        streams.sender,
        gateway_id=settings.node.node_id,
        write_acks=streams.acks.flush,
    )
    listed = StreamList(streams.connections.streams, gateway_id=settings.node.node_id)
    return (
        ProcessCall("AdminService/KickConnections", admin_pb2.KickConnectionsRequest, kick.run),
        ProcessCall("AdminService/ListStreams", admin_pb2.ListStreamsRequest, listed.list),
        ProcessCall("AdminService/TraceStream", admin_pb2.TraceStreamRequest, streams.tracing.look),
        ProcessCall("AdminService/DrainProcess", admin_pb2.DrainProcessRequest, drain.begin),
        ProcessCall("AdminService/ResumeProcess", admin_pb2.ResumeProcessRequest, drain.end),
    )
