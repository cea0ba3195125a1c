"""Part: which part of a message comes next on a connection."""

from enum import Enum


class Part(Enum):
    """The first, the one behind a delimiter, or one of a message that is passed over."""

    FIRST = 0
    DELIMITED = 1
    REFUSED = 2


FIRST = Part.FIRST  # an enum looks its members up at each use
