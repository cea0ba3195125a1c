"""Copies of a database: backups, what restores them, and the move to another engine. None of this
is part of a node that serves."""
