"""The services that tools expect of a gRPC server: health, and reflection."""

from collections.abc import AsyncIterator, Callable

from google.protobuf.message import DecodeError
from grpc.aio import EOF, ServicerContext
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from chatd.errors import MalformedFrame
from chatd.gateway.fronts.grpc.hearing import Hearing
from chatd.gateway.fronts.grpc.links import GrpcLinks
from chatd.gateway.fronts.grpc.statuses import refuse
from chatd.gateway.fronts.request_link import RequestLink
from chatd.pb.chat.v1 import chat_pb2
from chatd.pb.gateway.v1 import gateway_pb2

CHAT = chat_pb2.DESCRIPTOR.services_by_name["ChatService"]
GATEWAY = gateway_pb2.DESCRIPTOR.services_by_name["GatewayService"]
_Status = health_pb2.HealthCheckResponse


class Services:
    """Both answer without a token. ``is_ready``: the gateway takes calls and streams."""

    def __init__(self, links: GrpcLinks, hearing: Hearing, *, is_ready: Callable[[], bool]) -> None:
        self._links = links
        self._hearing = hearing
        self._is_ready = is_ready
        self._known = (
            CHAT.full_name,
            GATEWAY.full_name,
            health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
            reflection.SERVICE_NAME,
        )
        self._reflection = reflection.aio.ReflectionServicer(self._known)

    async def check(self, context: ServicerContext) -> None:
        """grpc.health.v1.Health/Check."""
        async with self._links.visit(context):
            said = await context.read()
            try:
                service = health_pb2.HealthCheckRequest.FromString(b"" if said is EOF else said).service
            except DecodeError:
                await refuse(context, MalformedFrame("this is no HealthCheckRequest"))
            if service and service not in self._known:
                status = _Status.SERVICE_UNKNOWN
            else:
                status = _Status.SERVING if self._is_ready() else _Status.NOT_SERVING
            await context.write(_Status(status=status).SerializeToString())

    async def reflect(self, context: ServicerContext) -> None:
        """grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo."""
        async with self._links.visit(context) as link:
            asked = self._requests(link, context)
            async for answer in self._reflection.ServerReflectionInfo(asked, context):
                await context.write(answer.SerializeToString())

    async def _requests(
        self, link: RequestLink, context: ServicerContext
    ) -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        while (said := await context.read()) is not EOF:
            self._hearing.commanded(link)
            try:
                yield reflection_pb2.ServerReflectionRequest.FromString(said)
            except DecodeError:
                await refuse(context, MalformedFrame("this is no ServerReflectionRequest"))
