"""What goes first where there is a choice. Between rooms only: inside a room the log's order is the only one."""

BULK = -1
NORMAL = 0
URGENT = 1
"""From here on: mentions, calls."""
HIGHEST = 3
