"""Site: the paths of the HTTP front, and what answers at each. Faults are answered as JSON."""

from collections.abc import Awaitable, Callable, Iterable
from typing import cast

import structlog
from aiohttp.web import BaseRequest, HTTPException, Request, Response, StreamResponse, UrlDispatcher

from chatd.errors import ChatdError, Internal, Unavailable, UnknownMethod
from chatd.gateway.fronts.http import rooms
from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.openapi import describe
from chatd.gateway.fronts.http.origins import Origins
from chatd.gateway.fronts.http.service import call_method
from chatd.gateway.fronts.http.statuses import error_response

log = structlog.get_logger()

Handler = Callable[..., Awaitable[StreamResponse]]
"""Gets the exchange, and the text of each part of the path that is open. Raises ChatdError."""
Route = tuple[str, str, Handler]

CALLS: tuple[Route, ...] = (
    ("POST", "/chat.v1.ChatService/{method}", call_method),
    ("POST", "/v1/rooms/{room}/events", rooms.send),
    ("GET", "/v1/rooms/{room}/events", rooms.history),
    ("GET", "/v1/rooms", rooms.unread),
    ("GET", "/v1/unread", rooms.unread),
    ("GET", "/openapi.json", describe),
)


class Site:
    """Pages of other origins may read what the routes answer if ``origins`` says so."""

    def __init__(self, routes: Iterable[Route], origins: Origins) -> None:
        self._origins = origins
        self._paths = UrlDispatcher()
        for method, path, handler in routes:
            self._paths.add_route(method, path, handler)
        self._paths.freeze()

    async def answer(self, exchange: Exchange) -> StreamResponse:
        """The response to any request."""
        response = await self._answer(exchange)
        exchange.answered(response)
        if not response.prepared:
            response.headers["Server"] = "chatd"
            self._origins.allow(exchange.request, response)
        return response

    async def _answer(self, exchange: Exchange) -> StreamResponse:
        request = exchange.request
        # Only the method and the URL are looked at, which every request has.
        found = await self._paths.resolve(cast(Request, request))
        if found.http_exception is not None:
            return _unknown(request, found.http_exception)
        try:
            handler = cast(Handler, found.handler)
            return await handler(exchange, **found)
        except ChatdError as exc:
            return error_response(exc)
        except ConnectionError:  # the client left in the middle of it
            return error_response(Unavailable("the connection was ended"))
        except Exception as exc:  # a fault of ours in one request must not end the connection's others
            log.exception("A request could not be handled")
            return error_response(Internal(f"the request could not be handled: {type(exc).__name__}"))


def _unknown(request: BaseRequest, why: HTTPException) -> Response:
    allowed = why.headers.get("Allow")
    if allowed is None:
        return error_response(UnknownMethod("there is nothing at this path"))
    if request.method == "OPTIONS":
        return Response(status=204, headers={"Allow": allowed})
    error = UnknownMethod(f"this path takes {allowed}, not {request.method[:20]}")
    response = error_response(error, status=405)
    response.headers["Allow"] = allowed
    return response
