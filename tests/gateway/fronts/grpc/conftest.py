"""One daemon for all of this folder's tests that ask nothing special of it."""

from collections.abc import Iterator

import pytest

from tests.gateway.fronts.grpc.serving import GrpcDaemon


@pytest.fixture(scope="package")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GrpcDaemon]:
    with GrpcDaemon(tmp_path_factory.mktemp("grpc"), {"MAX_FRAME_BYTES": 262_144}) as running:
        yield running
