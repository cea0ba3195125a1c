"""The presence of watched profiles, from the topics that gateways watch.

A profile is as reachable as its most reachable device. It is offline only after it had no device
for the grace, and a change is told only after nothing has changed for a while: a device that
reconnects, or moves to another gateway, does not flicker. There is no clock here: ``now`` is in
seconds of any steady one.
"""

from chatd.core.ids import split_topic
from chatd.core.online import OnlineTable
from chatd.core.wire import signal_record
from chatd.pb.events.v1.signals_pb2 import Presence, PresenceState, Signal

_ONLINE, _OFFLINE = PresenceState.PRESENCE_STATE_ONLINE, PresenceState.PRESENCE_STATE_OFFLINE


def unseen(profile_id: str) -> bytes:
    """The signal of a profile without a state. To a gateway it says that somebody may have lost the
    right to watch it; to a watcher, that this one has."""
    return signal_record(Signal(presence=Presence(profile_id=profile_id)).SerializeToString())


class PresenceBoard:
    """``online`` holds the devices there are; ``state`` and ``clear_state`` tell which are AWAY or
    BUSY.

    ``grace``: seconds without a device until OFFLINE. ``settle``: seconds without a change until it
    is told.
    """

    def __init__(self, online: OnlineTable, *, grace: float, settle: float) -> None:
        self._online = online
        self._grace = grace
        self._settle = settle
        self._watched: dict[str, int] = {}
        self._told: dict[str, PresenceState] = {}
        self._due: dict[str, float] = {}
        # Profile → device → the states it has set, newest last. While one replaces another, both
        # are there.
        self._states: dict[str, dict[str, list[PresenceState]]] = {}

    def watch(self, profile_id: str) -> PresenceState:
        """A gateway watches the profile; the state to tell it now."""
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
        """A device has set its state to AWAY or BUSY."""
        self._states.setdefault(profile_id, {}).setdefault(device_id, []).append(state)
        self.changed(profile_id, now)

    def clear_state(self, profile_id: str, device_id: str, state: PresenceState, now: float) -> None:
        """The device has taken this state back."""
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
        """A device of the profile came, went, or changed its state."""
        if profile_id in self._watched:
            self._due[profile_id] = now + self._settle

    def now_of(self, profile_id: str) -> PresenceState:
        """The profile's state by its devices at this moment."""
        said = self._states.get(profile_id, {})
        found = _OFFLINE
        for topic in self._online.of_profile(profile_id):
            ids = split_topic(topic)
            states = said.get(ids[1]) if ids is not None else None
            found = max(found, states[-1] if states else _ONLINE)
        return found

    def known_of(self, profile_id: str) -> PresenceState:
        """The state that watchers were told last; the state at this moment if nobody watches."""
        told = self._told.get(profile_id)
        return told if told is not None else self.now_of(profile_id)

    def settled(self, now: float) -> list[tuple[str, PresenceState]]:
        """The changes to tell now: profile and state."""
        changes: list[tuple[str, PresenceState]] = []
        for profile_id, at in list(self._due.items()):
            if at > now:
                continue
            state = self.now_of(profile_id)
            if state == _OFFLINE and at + self._grace - self._settle > now:
                continue  # a device may come back within the grace
            del self._due[profile_id]
            if state != self._told.get(profile_id):
                self._told[profile_id] = state
                changes.append((profile_id, state))
        return changes
