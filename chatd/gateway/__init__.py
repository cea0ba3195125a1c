"""`chatd gateway`: device streams. No database, and no state that cannot be rebuilt."""
