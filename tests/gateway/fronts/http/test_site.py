"""Faults of handlers, which no request that is made from outside brings about at will."""

from typing import Any, cast

import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import StreamResponse

from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.origins import Origins
from chatd.gateway.fronts.http.site import Site


class Asked:
    """An exchange."""

    request = make_mocked_request("GET", "/")

    def answered(self, response: StreamResponse) -> None: ...


@pytest.mark.parametrize(
    ("fault", "status", "lines"), [(ConnectionResetError(), 503, 0), (KeyError(), 500, 1)]
)
async def test_a_client_that_leaves_is_no_fault(
    fault: Exception, status: int, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle(exchange: Exchange) -> StreamResponse:
        raise fault

    logged: list[Any] = []
    monkeypatch.setattr("chatd.gateway.fronts.http.site.log.exception", logged.append, raising=False)
    answer = await Site([("GET", "/", handle)], Origins(())).answer(cast(Exchange, Asked()))
    assert (answer.status, len(logged)) == (status, lines)
