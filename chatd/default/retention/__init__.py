"""Removing what is no longer kept: old events, unused devices, erased profiles."""
