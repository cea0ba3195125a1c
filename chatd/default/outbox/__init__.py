"""The outbox: what each device is owed, as ranges of rooms' logs behind its cursors."""
