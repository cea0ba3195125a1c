"""A token that somebody else is being asked about."""

from collections.abc import Callable


class AuthenticationPending(Exception):
    """No error: the frame with the token is to be handled again when the answer is there.
    ``when_known`` takes what is to be called then, once."""

    def __init__(self, when_known: Callable[[Callable[[], None]], None]) -> None:
        super().__init__()
        self.when_known = when_known
