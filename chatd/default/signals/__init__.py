"""Signals: typing, receipts and presence. They are never stored."""
