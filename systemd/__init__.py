"""Units, the operator's handbook, and what installs and packages chatd (`release/`)."""
