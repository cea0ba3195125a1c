"""GET /openapi.json: the routes as OpenAPI describes them. `make proto` makes the file."""

from functools import cache
from importlib.resources import files

from aiohttp.web import Response

from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.service import JSON


async def describe(exchange: Exchange) -> Response:
    """Open to everybody: it holds nothing that the sources do not."""
    return Response(body=_document(), content_type=JSON, headers={"Cache-Control": "max-age=3600"})


@cache
def _document() -> bytes:
    return files("chatd.pb").joinpath("openapi.json").read_bytes()
