"""The acts of operators, and refusals: kept with the act, for operators to look at."""
