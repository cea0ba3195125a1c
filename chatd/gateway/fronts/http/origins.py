"""Pages in browsers: which origins may use the HTTP front."""

from collections.abc import Collection

from aiohttp.web import BaseRequest, StreamResponse

ALL = "*"
_SECONDS = "600"  # for which a browser need not ask again


class Origins:
    """``allowed`` are origins such as https://chat.example; ``*`` allows all. A page's own origin
    always may."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(allowed)

    def may(self, request: BaseRequest) -> bool:
        """True if the page that the request came from, if any, may use what it asks for. A browser
        sends the origin, and asks nobody else, before it opens a WebSocket."""
        origin = request.headers.get("Origin")
        if origin is None or self._is_allowed(origin):
            return True
        return origin.partition("://")[2] == request.headers.get("Host")

    def _is_allowed(self, origin: str) -> bool:
        return ALL in self._allowed or origin in self._allowed

    def allow(self, request: BaseRequest, response: StreamResponse) -> None:
        """Have the browser let the page read the response, or send the request that it asks about,
        if its origin is allowed."""
        origin = request.headers.get("Origin")
        headers = response.headers
        if self._allowed:
            headers["Vary"] = "Origin"
        if origin is None or not self._is_allowed(origin):
            return
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = "Retry-After, Chatd-Log"
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = headers.get("Allow", "GET, POST")
            headers["Access-Control-Allow-Headers"] = (
                "Authorization, Content-Type, Idempotency-Key, Chatd-Profile, Last-Event-ID"
            )
            headers["Access-Control-Max-Age"] = _SECONDS
