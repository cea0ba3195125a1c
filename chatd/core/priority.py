"""The levels of priority. They order rooms among each other; inside a room only the log's order
counts."""

BULK = -1
NORMAL = 0
URGENT = 1
"""From this level on events are urgent: mentions, calls."""
HIGHEST = 3
