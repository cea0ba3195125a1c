"""Errors as HTTP says them: a status, and a body that a client of any language can read."""

import math
from collections.abc import Mapping

from aiohttp.web import Response

from chatd.core.wire import error_to_pb
from chatd.errors import ChatdError, Unauthenticated
from chatd.gateway.fronts.http.json_text import dumps

STATUSES: Mapping[int, int] = {
    100: 400,
    101: 413,
    102: 400,
    103: 400,
    104: 409,
    200: 401,
    201: 403,
    202: 401,
    300: 404,
    301: 400,
    302: 400,
    303: 400,
    304: 413,
    400: 404,
    401: 403,
    402: 409,
    403: 409,
    404: 404,
    405: 409,
    406: 409,
    407: 404,
    408: 409,
    500: 500,
    501: 503,
    502: 504,
    503: 503,
    504: 503,
    600: 409,
    601: 408,
    602: 503,
    603: 409,
    604: 409,
    605: 409,
    606: 429,
    607: 409,
    608: 503,
    609: 409,
}
"""The code of an error → its HTTP status. PROTOCOL.md has the same table."""


def error_response(error: ChatdError, *, status: int = 0) -> Response:
    """The answer to a request that was refused. ``status``: another one than the error's own."""
    said = error_to_pb(error)
    body = {
        "code": said.code,
        "name": said.name,
        "message": said.message,
        "retry": said.retry,
        "retry_after_ms": said.retry_after_ms,
    }
    headers = {"Cache-Control": "no-store"}
    if said.retry_after_ms:
        headers["Retry-After"] = str(math.ceil(said.retry_after_ms / 1_000))
    if said.code == Unauthenticated.code:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        status=status or STATUSES[said.code],
        body=dumps(body),
        content_type="application/json",
        headers=headers,
    )
