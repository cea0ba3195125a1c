"""Frames that wait for the answer about their tokens: how many, and of whom."""

from collections.abc import Callable

import pytest

from chatd.errors import Overloaded
from chatd.gateway.authentication.pending import AuthenticationPending
from chatd.gateway.connection import ClientConnection
from chatd.gateway.waiting_frames import MAX_BYTES, MAX_BYTES_OF_ADDRESS, MAX_OF_ADDRESS, WaitingFrames
from tests.gateway.links import KeptLink


class House:
    def __init__(self) -> None:
        self.handled: list[bytes] = []
        self.answers: list[Callable[[], None]] = []
        self.waiting = WaitingFrames(lambda peer, encoded: self.handled.append(encoded), lambda: None)

    def wait(self, address: str, encoded: bytes = b"x") -> None:
        peer = ClientConnection(KeptLink(address), 0.0)
        self.waiting.wait(peer, encoded, AuthenticationPending(self.answers.append))

    def refuses(self, address: str, encoded: bytes = b"x") -> None:
        """And nobody is asked."""
        before = len(self.answers)
        with pytest.raises(Overloaded):
            self.wait(address, encoded)
        assert len(self.answers) == before

    def answer(self) -> None:
        for action in self.answers:
            action()
        self.answers.clear()


@pytest.mark.parametrize(
    ("count", "encoded"), [(MAX_OF_ADDRESS, b"x"), (8, bytes(MAX_BYTES_OF_ADDRESS // 8))]
)
def test_an_address_leaves_room_for_others(count: int, encoded: bytes) -> None:
    house = House()
    for again in (1, 2):
        for _ in range(count):
            house.wait("192.0.2.1", encoded)
        house.refuses("192.0.2.1", encoded)
        house.wait("192.0.2.2", encoded)
        house.answer()
        assert len(house.handled) == again * (count + 1)


def test_all_together_are_bounded_and_local_clients_have_no_address() -> None:
    house = House()
    for _ in range(16):
        house.wait("", bytes(MAX_BYTES // 16))
    for address in ("", "192.0.2.1"):
        house.refuses(address)
    house.answer()
    house.wait("192.0.2.1")
