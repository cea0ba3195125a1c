"""Who of the watched is how reachable, from the topics that gateways watch. No clock: `now` is in seconds of any steady one.

A profile is as reachable as its most reachable device. It is offline only when no device has been there for the grace, and changes are told when
they have settled: who reconnects, or moves to another gateway, is not seen to flicker.
"""

from chatd.core.ids import split_topic
from chatd.core.online import OnlineTable
from chatd.pb.events.v1.signals_pb2 import PresenceState

_ONLINE, _OFFLINE = PresenceState.PRESENCE_STATE_ONLINE, PresenceState.PRESENCE_STATE_OFFLINE


class PresenceBoard:
    """``online`` holds the devices there are, ``state`` and ``clear_state`` say which are less than ONLINE. Times in seconds."""

    def __init__(self, online: OnlineTable, *, grace: float, settle: float) -> None:
        self._online = online
        self._grace = grace
        self._settle = settle
        self._watched: dict[str, int] = {}
        self._told: dict[str, PresenceState] = {}
        self._due: dict[str, float] = {}
        # Profile → device → the states it has said, newest last: while one changes for another, both are there.
        self._states: dict[str, dict[str, list[PresenceState]]] = {}

    def watch(self, profile_id: str) -> PresenceState:
        """A gateway wants to know; the state it is to be told now."""
        self._watched[profile_id] = self._watched.get(profile_id, 0) + 1
        return self._told.setdefault(profile_id, self.now_of(profile_id))

    def unwatch(self, profile_id: str) -> None:
        left = self._watched.get(profile_id, 0) - 1
        if left > 0:
            self._watched[profile_id] = left
            return
        for table in (self._watched, self._told, self._due):
            table.pop(profile_id, None)

    def state(self, profile_id: str, device_id: str, state: PresenceState, now: float) -> None:
        """A device says that it is less than ONLINE."""
        self._states.setdefault(profile_id, {}).setdefault(device_id, []).append(state)
        self.changed(profile_id, now)

    def clear_state(self, profile_id: str, device_id: str, state: PresenceState, now: float) -> None:
        """It no longer says so."""
        devices = self._states.get(profile_id, {})
        said = devices.get(device_id, [])
        if state in said:
            said.remove(state)
        if not said:
            devices.pop(device_id, None)
        if not devices:
            self._states.pop(profile_id, None)
        self.changed(profile_id, now)

    def changed(self, profile_id: str, now: float) -> None:
        """A device of the profile came, went, or says something else."""
        if profile_id in self._watched:
            self._due[profile_id] = now + self._settle

    def now_of(self, profile_id: str) -> PresenceState:
        """As the devices are at this moment."""
        said = self._states.get(profile_id, {})
        found = _OFFLINE
        for topic in self._online.of_profile(profile_id):
            ids = split_topic(topic)
            states = said.get(ids[1]) if ids is not None else None
            found = max(found, states[-1] if states else _ONLINE)
        return found

    def known_of(self, profile_id: str) -> PresenceState:
        """What watchers have been told; of who is not watched, as it is."""
        told = self._told.get(profile_id)
        return told if told is not None else self.now_of(profile_id)

    def settled(self, now: float) -> list[tuple[str, PresenceState]]:
        """The changes to be told now."""
        changes: list[tuple[str, PresenceState]] = []
        for profile_id, at in list(self._due.items()):
            if at > now:
                continue
            state = self.now_of(profile_id)
            if state == _OFFLINE and at + self._grace - self._settle > now:
                continue  # it may come back
            del self._due[profile_id]
            if state != self._told.get(profile_id):
                self._told[profile_id] = state
                changes.append((profile_id, state))
        return changes
