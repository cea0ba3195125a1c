"""Devices, their epochs and their connections."""
