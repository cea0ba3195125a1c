"""NodeQueues: the queues that this gateway listens to: those of all default nodes but the
refused."""

from collections.abc import Callable, Iterable

from chatd.core.address import has_key, split


class NodeQueues:
    """``uris`` are listened to from the start; if there are none, nodes say where theirs are.
    ``connect`` and ``disconnect`` change what is listened to (``Subscriber``). One endpoint is
    listened to with one key, that of the node which has answered last."""

    def __init__(
        self, uris: Iterable[str], *, connect: Callable[[str], None], disconnect: Callable[[str], None]
    ) -> None:
        self._connect = connect
        self._disconnect = disconnect
        self._known = {_endpoint(uri): uri for uri in uris}
        self._asks = not self._known
        self._left: set[str] = set()
        """Known, and not listened to."""

    def add(self, uri: str) -> None:
        """There is a node that publishes there; empty: by a broker."""
        if uri and _endpoint(uri) not in self._known:
            self._known[_endpoint(uri)] = uri
            self._connect(uri)

    def remove(self, uri: str) -> None:
        """It will not come back."""
        if self._known.get(_endpoint(uri)) != uri:
            return
        if uri not in self._left:
            self._disconnect(uri)
        del self._known[_endpoint(uri)]
        self._left.discard(uri)

    def refuse(self, uri: str) -> None:
        """The node that publishes there is not understood."""
        if self._known.get(_endpoint(uri)) == uri and uri not in self._left:
            self._left.add(uri)
            self._disconnect(uri)

    def accept(self, uri: str) -> None:
        """The node that publishes there has answered, and is understood."""
        known = self._known.get(_endpoint(uri), "")
        if known and known != uri:
            self.remove(known)
            self.add(uri)
        elif self._asks:
            self.add(uri)
        self._listen(uri)

    def _listen(self, uri: str) -> None:
        if uri in self._left:
            self._left.discard(uri)
            self._connect(uri)

    def connect_anew(self, later: Callable[[Callable[[], None]], object]) -> None:
        """Leave those that are encrypted, and come back ``later`` with another key: a node takes a
        gateway's own topic for the old key's until the old connection is gone."""
        left = [uri for uri in self._known.values() if has_key(uri)]
        for uri in left:
            self.refuse(uri)

        def come_back() -> None:
            for uri in left:
                self._listen(uri)

        later(come_back)


def _endpoint(uri: str) -> str:
    return split(uri)[0]
