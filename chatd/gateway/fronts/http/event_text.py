"""The forms in which a stream's frames go over a plain response: server-sent events, or a line of
JSON for each."""

import json
from typing import Protocol

RETRY_MS = 1_000
"""A browser connects again after so long."""


class EventText(Protocol):
    """One way to write them down."""

    content_type: str
    opening: bytes
    """Stands before all."""
    alive: bytes
    """Says nothing, for proxies that end what is silent."""

    def delivery(self, event_id: str, text: str) -> bytes:
        """A delivery, in JSON."""

    def other(self, kind: str, text: str) -> bytes:
        """Anything else, in JSON."""


class ServerSentEvents:
    """As EventSource reads them."""

    content_type = "text/event-stream"
    opening = b"retry: %d\n\n" % RETRY_MS
    alive = b":\n\n"

    def delivery(self, event_id: str, text: str) -> bytes:
        return f"id: {event_id}\ndata: {text}\n\n".encode()

    def other(self, kind: str, text: str) -> bytes:
        return f"event: {kind}\ndata: {text}\n\n".encode()


class JsonLines:
    """An object with one field in each line; a delivery's has its id too."""

    content_type = "application/x-ndjson"
    opening = b""
    alive = b"\n"

    def delivery(self, event_id: str, text: str) -> bytes:
        return f'{{"id":{json.dumps(event_id)},"delivery":{text}}}\n'.encode()

    def other(self, kind: str, text: str) -> bytes:
        return f'{{"{kind}":{text}}}\n'.encode()
