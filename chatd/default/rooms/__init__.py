"""Rooms and their members. A change of membership is an event of the room's own log."""
