"""Searching the texts of messages: an index that follows the rooms' logs, and the call that reads
it."""
