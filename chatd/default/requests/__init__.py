"""Calls that come again under the same request id: executed once, answered each time."""
