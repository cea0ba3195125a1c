"""A front's link without a socket: it keeps what is sent."""

from chatd.pb.gateway.v1.gateway_pb2 import ServerFrame


class KeptLink:
    """``takes`` False: as a client that has gone, or does not keep up."""

    def __init__(self, address: str = "") -> None:
        self.address = address
        self.takes = True
        self.sent: list[bytes] = []
        self.hung_up = False
        self.is_full = False
        self.calls_under_way = 0
        self.has_stream = False
        self.holds = 0

    def send(self, frame: bytes) -> bool:
        if self.takes:
            self.sent.append(frame)
        return self.takes

    def hold(self) -> None:
        self.holds += 1

    def go_on(self) -> None:
        self.holds -= 1

    def hang_up(self) -> None:
        self.hung_up = True

    def heard(self) -> list[ServerFrame]:
        """The frames sent since the last call."""
        sent, self.sent = self.sent, []
        return [ServerFrame.FromString(frame) for frame in sent]
