"""The page at /: a small client for browsers. Its files in ``browser/`` are also the example of one
(proto/examples)."""

from collections.abc import Mapping
from functools import partial
from importlib.resources import files

from aiohttp.web import Response

from chatd.gateway.fronts.http.exchange import Exchange
from chatd.gateway.fronts.http.site import Route

_SCRIPTS = ("page", "session", "stream", "calls", "rooms", "room", "view", "writing", "clock")
FILES: Mapping[str, tuple[str, str]] = {
    "/": ("index.html", "text/html"),
    "/page/page.css": ("page.css", "text/css"),
    **{f"/page/{name}.js": (f"{name}.js", "text/javascript") for name in _SCRIPTS},
}
"""Path → the file, and its type."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "worker-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types clock",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""Nothing runs and nothing is loaded but these files, nothing makes HTML of a text, and the page is
in no other one's frame."""


def page_routes() -> tuple[Route, ...]:
    """One for each file, which is read now."""
    folder = files("chatd.gateway.fronts.http") / "browser"
    return tuple(
        ("GET", path, partial(_send, (folder / name).read_bytes(), content_type))
        for path, (name, content_type) in FILES.items()
    )


async def _send(content: bytes, content_type: str, exchange: Exchange) -> Response:
    return Response(body=content, content_type=content_type, charset="utf-8", headers=HEADERS)
