"""KnownLog: the log as this node knows it, from the database, from gateways, and from its last
run."""

from collections.abc import Callable

import structlog

from chatd.core.log_state import UNKNOWN_LOG, LogState
from chatd.default.nodes.log_file import LogFile

log = structlog.get_logger()


class KnownLog:
    """``state`` is what the database said last, ``newest`` the newest state that anybody has seen:
    a database that is behind it gets a new incarnation with the next renewal. ``before`` is the
    state of the last run. ``changed`` is called when the log is another one than before."""

    def __init__(self, file: LogFile, before: LogState, *, changed: Callable[[], None]) -> None:
        self._file = file
        self._changed = changed
        self._incarnation = before.incarnation
        self.state = UNKNOWN_LOG
        self.newest = before

    def seen(self, state: LogState) -> None:
        """The database's own word. An older answer that comes late changes nothing."""
        if not state.incarnation or state.beat < self.state.beat:
            return
        self.state = state
        self.told(state)
        if state.incarnation == self._incarnation:
            return
        if self._incarnation:
            log.warning(
                "The database holds another log than before; streams begin anew",
                incarnation=state.incarnation,
                before=self._incarnation,
            )
        self._incarnation = state.incarnation
        self._changed()
        self.keep()

    def told(self, state: LogState) -> bool:
        """A gateway has seen the log in this state. True: the database has to be looked at, since
        that is newer than what it said last."""
        if state.beat > self.newest.beat:
            self.newest = state
        return state.beat > self.state.beat

    def keep(self) -> None:
        """Write it down for the next start."""
        if self.state.incarnation:
            self._file.write(self.state)
