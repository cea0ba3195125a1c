"""Fronts: each accepts client connections of one kind and hands their frames up. Nothing above them
knows what carries a frame."""
