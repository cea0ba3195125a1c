"""chatd stores chat events and streams them to every device of every subscriber."""

__version__ = "0.1.0"
