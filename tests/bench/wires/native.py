"""Devices as native clients connect them: ZMTP over TCP, or CURVE."""

from chatd.pb.gateway.v1.gateway_pb2 import Ack, ClientFrame, Heartbeat, Hello
from tests.bench.wires.wire import OnMessages, Wire, parse_frame
from tests.bench.zmtp import Dealer

HEARTBEAT = ClientFrame(heartbeat=Heartbeat()).SerializeToString()


def ack_frame(up_to: int) -> bytes:
    """An encoded Ack."""
    return ClientFrame(ack=Ack(up_to=up_to)).SerializeToString()


class NativeDevice:
    def __init__(self, on_messages: OnMessages) -> None:
        self._dealer = Dealer(on_messages)

    async def connect(self, uri: str, hello: Hello) -> None:
        await self._dealer.connect(uri)
        self._dealer.send(ClientFrame(hello=hello).SerializeToString())

    def ack(self, up_to: int) -> None:
        self._dealer.send(ack_frame(up_to))

    def heartbeat(self) -> None:
        self._dealer.send(HEARTBEAT)

    def stop_reading(self) -> None:
        self._dealer.stop_reading()

    def close(self) -> None:
        self._dealer.close()


NATIVE = Wire(NativeDevice, parse_frame)
