"""A token that somebody else is to be asked about, or whose profile has to wait for its turn."""

from collections.abc import Callable


class AuthenticationPending(Exception):
    """No error: the frame with the token is to be handled again when the answer is there.
    ``when_known`` takes what is to be called then, once; it is called at once, or not at all, and
    then nobody is asked."""

    def __init__(self, when_known: Callable[[Callable[[], None]], None]) -> None:
        super().__init__()
        self.when_known = when_known
