"""Pure code, without any I/O: ids, wire forms, the stream's state machine."""
