"""LogComparison: what gateways and devices have seen of the log is compared with what the database
holds. A database that went back gets a new incarnation before a stream of it opens."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from chatd.core.log_state import LogState, from_pb
from chatd.default.nodes.known_log import KnownLog
from chatd.default.nodes.log_store import Compared, CompareLog, IsBehind, RaiseBeat, RenewLog, ShownBy
from chatd.errors import ChatdError, Internal
from chatd.pb.node.v1.node_pb2 import DescribeRequest, RoomCursor
from chatd.store.access import StoreAccess, log_failure

log = structlog.get_logger()

Failed = Callable[[ChatdError], None]


class _Place:
    """The place of a comparison in their order. ``go_on`` is known when it has been answered."""

    def __init__(self, failed: Failed) -> None:
        self.failed = failed
        self.go_on: Callable[[], None] | None = None


class LogComparison:
    """``log`` is told what the database says."""

    def __init__(self, store: StoreAccess, log: KnownLog) -> None:
        self._store = store
        self.log = log
        self._is_looking = False
        self._compared: set[str] = set()  # gateways whose last events were looked for
        self._places: deque[_Place] = deque()  # of the comparisons under way

    def described(self, asked: DescribeRequest) -> None:
        """A gateway may have seen the log in a newer state than this node has: another node has
        raised the beat, or the database is older than it was."""
        known = from_pb(asked.log)
        if self.log.told(known) and not self._is_looking:
            self._is_looking = True
            self.compare(known, (), lambda compared: self._looked(), self._not_looked)
        if asked.gateway_instance not in self._compared and asked.HasField("seen"):
            # It lives since before this node started: there may be another database now.
            self._compared.add(asked.gateway_instance)
            self._look_for(known, asked.seen)

    def _looked(self) -> None:
        self._is_looking = False

    def _not_looked(self, error: ChatdError) -> None:
        self._is_looking = False
        log_failure(error)

    def _look_for(self, known: LogState, seen: RoomCursor) -> None:
        """The gateway was sent these events."""

        def then(is_behind: bool) -> None:
            if is_behind:
                self._store.write(RenewLog(known, seen.room_id, seen.seq), self.log.seen)

        self._store.ask(IsBehind(seen.room_id, seen.seq), then)

    def compare(
        self, known: LogState, shown: Sequence[ShownBy], then: Callable[[Compared], None], failed: Failed
    ) -> None:
        """Compare the log with the state in which a gateway ``known`` it, and with what devices
        have shown. ``then`` gets a log that is not behind that state.

        The rest keeps the order of the calls, whichever reader is quicker: the newest Hello of a
        device gets the newest epoch.
        """
        place = _Place(failed)
        self._places.append(place)

        def compared(found: Compared) -> None:
            if found.log.beat < known.beat:
                self._store.write(RaiseBeat(known), renewed, not_compared)
                return
            self.log.seen(found.log)
            self._answered(place, partial(then, found))

        def renewed(state: LogState) -> None:
            self._store.ask(query, compared, not_compared)

        def not_compared(error: ChatdError) -> None:
            self._answered(place, partial(failed, error))

        query = CompareLog(tuple(shown))
        self._store.ask(query, compared, not_compared)

    def _answered(self, place: _Place, go_on: Callable[[], None]) -> None:
        place.go_on = go_on
        while self._places and (first := self._places[0].go_on) is not None:
            failed = self._places.popleft().failed
            try:
                first()
            except Exception as exc:  # one caller must not take the next ones with it
                log.exception("A comparison could not be handled")
                failed(Internal(f"the comparison could not be handled: {type(exc).__name__}"))
