"""Puts chatd together for others: locked dependencies, the SDK by itself, a Debian package."""
