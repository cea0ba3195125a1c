"""The two things that end a check early."""


class Failed(Exception):
    """The client did not do what it should have done. The text says what, for its writer."""


class NotJudged(Exception):
    """The client does not use what the check is about. The text says what."""


SECONDS = 15.0
"""Within these a client does what is awaited of it, on a slow machine too."""
