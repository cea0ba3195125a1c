"""Files beside the database: written whole and durably, and claimed by one process at a time."""
