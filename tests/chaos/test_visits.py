"""The ways by which a device of a chaos run is connected."""

import asyncio

import aiohttp
from aiohttp import web

from tests.chaos.visits import websocket_frames


async def _hold(request: web.Request) -> web.WebSocketResponse:
    """A WebSocket that says nothing and stays until its client has gone."""
    socket = web.WebSocketResponse(protocols=["chatd.v1.json"])
    await socket.prepare(request)
    await socket.receive()
    return socket


def test_a_websocket_that_is_cut_off_leaves_no_connection_behind() -> None:
    """aiohttp warns of a connection that the collector meets before its response, at any time."""

    async def cut_off() -> None:
        application = web.Application()
        application.router.add_get("/v1/stream", _hold)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession() as session:
                async with websocket_frames(session, url, is_json=True) as frames:
                    connection = frames._socket._response.connection
                    assert connection is not None
                    assert connection.protocol is not None
                assert connection.protocol is None
        finally:
            await runner.cleanup()

    asyncio.run(cut_off())
