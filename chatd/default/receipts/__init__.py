"""How far devices have received and profiles have read."""
