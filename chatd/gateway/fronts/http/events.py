"""Device streams for clients that can do no more than GET: server-sent events, and lines of
JSON."""

import asyncio
from collections.abc import Callable
from functools import partial

from aiohttp.web import Response, StreamResponse

from chatd.core.start import parse_start
from chatd.errors import InvalidArgument, NoStream, Unavailable
from chatd.gateway.fronts.http.event_stream import WINDOW_BYTES, WINDOW_MESSAGES, EventStream
from chatd.gateway.fronts.http.event_text import EventText, FrameTexts, JsonLines, ServerSentEvents
from chatd.gateway.fronts.http.exchange import ACT_FOR, Exchange
from chatd.gateway.fronts.http.json_text import loads
from chatd.gateway.fronts.http.origins import Origins
from chatd.gateway.fronts.http.query import flag, query, word
from chatd.pb.gateway.v1.gateway_pb2 import Hello

RESUME_SECONDS = 10.0
"""For so long is a stream kept whose client has gone: when it comes back it says how far it
came."""
_LEAVE_SECONDS = 5.0
_LAST = "Last-Event-ID"


class EventStreams:
    """``later`` calls back after some seconds. Pages of other origins may read them if ``origins``
    says so."""

    def __init__(self, later: Callable[[float, Callable[[], None]], object], origins: Origins) -> None:
        self._later = later
        self._origins = origins
        self._streams: dict[str, EventStream] = {}
        self._texts = FrameTexts()
        self._forms: tuple[EventText, ...] = (ServerSentEvents(), JsonLines())

    async def stream(self, exchange: Exchange, device: str) -> StreamResponse:
        """Answer with a device's events. Raises ChatdError."""
        request = exchange.request
        asked = query(exchange, ("poll", "ack", "signals", "start"))
        is_automatic = word(asked, "ack", ("automatic", "explicit")) == "automatic"
        is_poll, signals = flag(asked, "poll"), flag(asked, "signals")
        hello = Hello(
            token=exchange.token,
            profile_id=exchange.header(ACT_FOR),
            device_id=device,
            window_messages=WINDOW_MESSAGES,
            window_bytes=WINDOW_BYTES,
            version=1,
            client=exchange.header("User-Agent"),
            want_signals=signals,
            start=parse_start(asked["start"]).to_pb() if "start" in asked else None,
        )
        accept = request.headers.get("Accept", "")
        form = next((one for one in self._forms if one.content_type in accept), self._forms[0])
        stream = EventStream(exchange, form, self._texts, is_automatic=is_automatic, is_poll=is_poll)
        if not await self._resume(exchange, device, exchange.header(_LAST)):
            return Response(status=204)
        headers = {
            "Content-Type": form.content_type,
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
        response = StreamResponse(headers=headers)
        response.headers["Server"] = "chatd"
        self._origins.allow(request, response)
        with exchange.speaking(stream):
            await stream.open(hello)
            response.headers["Chatd-Log"] = stream.log
            self._streams[stream.secret] = stream
            exchange.link.stays = RESUME_SECONDS
            try:
                await stream.run(response)
            finally:
                self._later(RESUME_SECONDS, partial(self._forget, stream.secret))
        return response

    async def _resume(self, exchange: Exchange, device: str, event_id: str) -> bool:
        """The client has received all up to the delivery of this id, if its stream is still here.
        False: another one of the device took the stream over. Raises ChatdError."""
        secret, number = _parse(event_id) if event_id else ("", 0)
        stream = await self._find(exchange, device, secret)
        if stream is None:
            return True
        if stream.was_superseded:
            return False
        stream.acknowledge(number)
        stream.leave()
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                while stream.is_open:
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise Unavailable("the stream's last acks are not written yet") from None
        return True

    async def _find(self, exchange: Exchange, device: str, secret: str) -> EventStream | None:
        """The caller's stream of this device, if it is known. Raises ChatdError."""
        caller = await exchange.authenticate()
        caller.check_device(device)
        stream = self._streams.get(secret)
        return stream if stream is not None and stream.owner == (caller.profile_id, device) else None

    def _forget(self, secret: str) -> None:
        self._streams.pop(secret, None)

    async def acknowledge(self, exchange: Exchange, device: str) -> Response:
        """Acknowledge by hand. Raises ChatdError."""
        given = loads(await exchange.body())
        up_to = given.get("up_to")
        if not isinstance(up_to, str) or len(given) > 1:
            raise InvalidArgument("the body must have up_to, the id of a delivery, and nothing else")
        secret, number = _parse(up_to)
        stream = await self._find(exchange, device, secret)
        if stream is None or not stream.is_open:
            raise NoStream("the stream is not at this gateway any more; resume it with Last-Event-ID")
        if number > stream.sent:
            raise InvalidArgument(f"the stream has brought {stream.sent:,} deliveries, not {number:,}")
        stream.acknowledge(number)
        return Response(status=204)


def _parse(event_id: str) -> tuple[str, int]:
    """The stream of a delivery, and its number there. Raises InvalidArgument."""
    secret, dot, number = event_id.partition(".")
    if not dot or not (number.isascii() and number.isdigit() and len(number) < 16):
        raise InvalidArgument("that is no id of a delivery")
    return secret, int(number)
