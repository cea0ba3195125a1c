"""Deliveries that devices did not take: failures are counted, too many of them make a dead
letter."""
