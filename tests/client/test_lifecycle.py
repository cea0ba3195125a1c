"""The states of a stream, its end, and those who are told."""

import pytest

from chatd.client import Client, StreamState
from chatd.client.lifecycle import Lifecycle
from chatd.errors import Superseded
from tests.client.fake_gateway import FakeGateway
from tests.client.streams import States, leave


async def test_states_are_told(client: Client, gateway: FakeGateway) -> None:
    states: States = []
    async with client.stream("laptop", on_state=lambda *state: states.append(state)) as stream:
        peer = await gateway.welcome()
        await stream.opened()
        gateway.caught_up(peer)
        await stream.caught_up()
        await leave(stream, gateway)
    assert [state for state, _ in states] == [
        StreamState.CONNECTING,
        StreamState.CATCHING_UP,
        StreamState.LIVE,
        StreamState.ENDED,
    ]


async def test_an_error_of_on_state_is_the_applications(client: Client, gateway: FakeGateway) -> None:
    def on_state(state: StreamState, _: str) -> None:
        if state is StreamState.LIVE:
            raise ZeroDivisionError

    async with client.stream("laptop", on_state=on_state) as stream:
        peer = await gateway.welcome()
        gateway.caught_up(peer)
        with pytest.raises(ZeroDivisionError):
            await anext(stream)


class Told:
    """The callbacks of a lifecycle, and what they were told."""

    def __init__(self, *, raises_at: StreamState | None = None) -> None:
        self._raises_at = raises_at
        self.states: States = []
        self.ends = 0

    def on_state(self, state: StreamState, reason: str) -> None:
        self.states.append((state, reason))
        if state is self._raises_at:
            raise ZeroDivisionError(state.value)

    def on_end(self) -> None:
        self.ends += 1


def lifecycle_of(told: Told) -> Lifecycle:
    return Lifecycle(told.on_state, on_end=told.on_end)


def test_a_stream_is_open_from_its_welcome_until_it_is_lost() -> None:
    lifecycle = lifecycle_of(Told())
    assert not lifecycle.is_open
    lifecycle.welcomed()
    assert lifecycle.is_open
    lifecycle.caught_up()
    assert lifecycle.is_open
    lifecycle.connecting("the gateway was lost")
    assert not lifecycle.is_open


async def test_only_the_first_end_counts() -> None:
    told = Told()
    lifecycle = lifecycle_of(told)
    lifecycle.end(Superseded("elsewhere"))
    lifecycle.end(None)
    assert told.states == [(StreamState.ENDED, "elsewhere")]
    assert told.ends == 1
    await lifecycle.wait_ended()
    with pytest.raises(Superseded):
        await lifecycle.wait_opened()
    with pytest.raises(Superseded):
        await lifecycle.wait_caught_up()


async def test_an_end_that_was_asked_for_raises_nothing() -> None:
    lifecycle = lifecycle_of(Told())
    lifecycle.end(None)
    await lifecycle.wait_caught_up()
    lifecycle.raise_error()


@pytest.mark.parametrize("raises_at", [StreamState.CATCHING_UP, StreamState.ENDED])
def test_an_error_of_on_state_ends_it_and_is_told_no_more(raises_at: StreamState) -> None:
    told = Told(raises_at=raises_at)
    lifecycle = lifecycle_of(told)
    lifecycle.welcomed()
    lifecycle.end(Superseded("elsewhere"))
    assert told.states[-1][0] is raises_at
    assert (lifecycle.has_ended, told.ends) == (True, 1)
    with pytest.raises(ZeroDivisionError):
        lifecycle.raise_error()
