"""Errors as gRPC says them: a status, and the chatd Error in the trailing metadata."""

import asyncio
from collections.abc import Mapping
from typing import NoReturn

from grpc import StatusCode
from grpc.aio import ServicerContext

from chatd.core.wire import error_to_pb
from chatd.errors import ChatdError

ERROR = "chatd-error-bin"
"""Trailing metadata: an encoded gateway.v1.Error."""
LAST_WORD_SECONDS = 1.0
"""For a client that does not read to take its status."""

STATUSES: Mapping[int, StatusCode] = {
    100: StatusCode.INVALID_ARGUMENT,
    101: StatusCode.RESOURCE_EXHAUSTED,
    102: StatusCode.INVALID_ARGUMENT,
    103: StatusCode.FAILED_PRECONDITION,
    104: StatusCode.FAILED_PRECONDITION,
    200: StatusCode.UNAUTHENTICATED,
    201: StatusCode.PERMISSION_DENIED,
    202: StatusCode.UNAUTHENTICATED,
    300: StatusCode.UNIMPLEMENTED,
    301: StatusCode.INVALID_ARGUMENT,
    302: StatusCode.INVALID_ARGUMENT,
    303: StatusCode.INVALID_ARGUMENT,
    304: StatusCode.INVALID_ARGUMENT,
    400: StatusCode.NOT_FOUND,
    401: StatusCode.PERMISSION_DENIED,
    402: StatusCode.ALREADY_EXISTS,
    403: StatusCode.ALREADY_EXISTS,
    404: StatusCode.NOT_FOUND,
    405: StatusCode.ALREADY_EXISTS,
    406: StatusCode.FAILED_PRECONDITION,
    407: StatusCode.NOT_FOUND,
    408: StatusCode.FAILED_PRECONDITION,
    500: StatusCode.INTERNAL,
    501: StatusCode.UNAVAILABLE,
    502: StatusCode.DEADLINE_EXCEEDED,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.UNAVAILABLE,
    600: StatusCode.ABORTED,
    601: StatusCode.ABORTED,
    602: StatusCode.UNAVAILABLE,
    603: StatusCode.FAILED_PRECONDITION,
    604: StatusCode.FAILED_PRECONDITION,
    605: StatusCode.ABORTED,
    606: StatusCode.RESOURCE_EXHAUSTED,
    607: StatusCode.FAILED_PRECONDITION,
    608: StatusCode.UNAVAILABLE,
    609: StatusCode.ABORTED,
}
"""The code of an error → its gRPC status. proto/GRPC.md has the same table."""


async def refuse(context: ServicerContext, error: ChatdError) -> NoReturn:
    """End a call with its error; a client that does not read is cut off."""
    said = error_to_pb(error)
    try:
        async with asyncio.timeout(LAST_WORD_SECONDS):
            await context.abort(
                STATUSES[said.code], said.message, trailing_metadata=((ERROR, said.SerializeToString()),)
            )
    except TimeoutError:
        pass
    raise asyncio.CancelledError  # a call that ends without a status is cut off
