"""Receipts: the progress of devices in receiving and of profiles in reading."""
