"""The number of the protocol between gateways and default nodes. A peer that says none speaks 0.

NUMBER rises with every change that a peer of the version before would misunderstand, or whose lack
it would not notice: another meaning or layout in ``proto/node`` or in the queue's messages, a field
that must be understood. A field that may be ignored changes nothing. OLDEST follows NUMBER, unless
the code still speaks the numbers before.
"""

NUMBER = 6
OLDEST = 6


def refusal(number: int, oldest: int) -> str:
    """The reason why a peer that speaks ``number`` and all numbers down to ``oldest`` cannot be
    spoken to; empty if it can."""
    if number < OLDEST:
        return f"it speaks protocol {number}, and this process none before {OLDEST}"
    if oldest > NUMBER:
        return f"it speaks no protocol before {oldest}, and this process {NUMBER}"
    return ""
