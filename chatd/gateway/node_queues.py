"""NodeQueues: the queues that this gateway listens to: those of all default nodes but the
refused."""

from collections.abc import Callable, Iterable


class NodeQueues:
    """``uris`` are listened to from the start; ``connect`` and ``disconnect`` change that
    (``Subscriber``)."""

    def __init__(
        self, uris: Iterable[str], *, connect: Callable[[str], None], disconnect: Callable[[str], None]
    ) -> None:
        self._connect = connect
        self._disconnect = disconnect
        self._known = set(uris)
        self._refused: set[str] = set()

    def add(self, uri: str) -> None:
        """There is a node that publishes there."""
        if uri not in self._known:
            self._known.add(uri)
            self._connect(uri)

    def remove(self, uri: str) -> None:
        """It will not come back."""
        if uri in self._known and uri not in self._refused:
            self._disconnect(uri)
        self._known.discard(uri)
        self._refused.discard(uri)

    def refuse(self, uri: str) -> None:
        """The node that publishes there is not understood."""
        if uri in self._known and uri not in self._refused:
            self._refused.add(uri)
            self._disconnect(uri)

    def accept(self, uri: str) -> None:
        """It is understood again."""
        if uri in self._refused:
            self._refused.discard(uri)
            self._connect(uri)
