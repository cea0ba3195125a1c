"""What operators did, and who was refused: kept with the act, for operators to look at."""
