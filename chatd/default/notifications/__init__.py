"""Notifications of devices that are away: the queue ``offline.event.delivery`` and its stage."""
