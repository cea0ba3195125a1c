"""The database, and the only package that imports peewee: a log per room, an outbox of ranges, one
writer, some readers."""
