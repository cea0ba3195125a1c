"""Tries of a start: what may pass by itself, such as a database that is away or a port that is in
use, is tried again, ever more rarely. Only a service manager waits for that; a person is told at
once."""

import time
from collections.abc import Callable

from chatd.daemon.complaint import complain
from chatd.daemon.systemd import ServiceManager
from chatd.errors import ChatdError, ConfigError

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between two tries. After the last one the process ends with 1: the manager's operator is
told, and a manager that starts it again begins anew."""
TRY_SECONDS = 60.0
"""A try takes so long at most: a gateway that waits for its node asks for more by itself."""


def try_to_start(
    start: Callable[[], int], manager: ServiceManager, *, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Return the code that ``start`` returns, once it does. Raises ConfigError at once, and the
    error of the last try. A reason is said when it is another one than before."""
    said = ""
    for pause in PAUSES if manager.is_there else ():
        try:
            return start()
        except ConfigError:
            raise
        except ChatdError as exc:
            problem = exc.explained
        if problem != said:
            said = problem
            complain(problem)
        manager.waiting(f"cannot start, next try in {pause:.0f} s: {problem}", seconds=pause + TRY_SECONDS)
        sleep(pause)
    return start()
