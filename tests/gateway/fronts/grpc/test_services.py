"""Health and reflection, as tools ask for them."""

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.gateway.fronts.grpc.serving import Caller, GrpcDaemon, error_of


def test_health(daemon: GrpcDaemon) -> None:
    with daemon.channel() as channel:
        for service, status in (("", 1), ("chat.v1.ChatService", 1), ("none", 3)):
            request = health_pb2.HealthCheckRequest(service=service)
            path = "/grpc.health.v1.Health/Check"
            answer = Caller(channel).raw(path, request, health_pb2.HealthCheckResponse)
            assert answer.status == status
        with pytest.raises(grpc.RpcError) as refused:
            Caller(channel).raw("/grpc.health.v1.Health/Check", b"\xff", health_pb2.HealthCheckResponse)
        assert error_of(refused.value).code == 100


def test_reflection(daemon: GrpcDaemon) -> None:
    with daemon.channel() as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert {"chat.v1.ChatService", "gateway.v1.GatewayService", "grpc.health.v1.Health"} <= set(
            database.get_services()
        )
        pool = DescriptorPool(database)
        method = pool.FindServiceByName("chat.v1.ChatService").FindMethodByName("SendEvents")
        assert method.input_type.full_name == "chat.v1.SendEventsRequest"
        connect = pool.FindServiceByName("gateway.v1.GatewayService").FindMethodByName("Connect")
        assert connect.client_streaming


def test_what_is_no_request_for_reflection(daemon: GrpcDaemon) -> None:
    with daemon.channel() as channel:
        path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        with pytest.raises(grpc.RpcError) as refused:
            Caller(channel).raw(path, b"\xff", reflection_pb2.ServerReflectionResponse)
        assert error_of(refused.value).code == 100
