"""Descriptors: a connection takes one. The limit that systems give by default is a soft one, far
below the hard one."""

import resource

MOST = 1 << 20
"""Enough for any gateway, where the hard limit is none."""


def raise_limit() -> int:
    """Raise this process's soft limit of open files to the hard one; the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        return soft  # not allowed here: the old limit serves, too
    return wanted
