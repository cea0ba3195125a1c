"""``chatctl chat``: talk as a profile. ``talk.py`` speaks to the service, ``room.py`` keeps what is
known of a room, ``screen.py`` shows it; only ``command.py`` is imported before it runs."""
