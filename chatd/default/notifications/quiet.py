"""The time at which a notification is due: some time after its event, and not while its device is
left in peace after the last one."""

# A notification from the future was sent when the clock was ahead: it counts as sent now.
_NOTIFIED = "CASE WHEN push.notified_at_us > ? THEN ? ELSE push.notified_at_us END"
DUE_AT = f"CASE WHEN {_NOTIFIED} + ? > v.due_us THEN {_NOTIFIED} + ? ELSE v.due_us END AS due_at_us"
"""For a row of ``push``, and ``v.due_us``: the time if the device has not been notified lately."""


def due_parameters(quiet_us: int, now_us: int) -> tuple[int, ...]:
    """The parameters of DUE_AT."""
    return (now_us, now_us, quiet_us) * 2
