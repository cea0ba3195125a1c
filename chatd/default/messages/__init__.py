"""Sending events and reading a room's history."""
