"""Searching: an index of the texts of messages, which follows the rooms' logs, and the call that
reads it; and finding rooms by their names and metadata."""
