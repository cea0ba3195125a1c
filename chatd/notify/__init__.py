"""How devices that are away are told: a file for each way. What they import is imported when the way is configured."""
