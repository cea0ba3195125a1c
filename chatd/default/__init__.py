"""`chatd default`: room business, the event log, the outbox, fan-out."""
