"""One daemon for all of this folder's tests that ask nothing special of it."""

from collections.abc import Iterator

import pytest

from tests.gateway.fronts.http.serving import HttpDaemon


@pytest.fixture(scope="package")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpDaemon]:
    with HttpDaemon(tmp_path_factory.mktemp("http"), {"MAX_FRAME_BYTES": 262_144}) as running:
        yield running
        assert "Traceback" not in running.log.read_text(), "no client may cause a fault"
