"""StreamLog: a line for each stream that begins and ends. A device that comes and goes is said once
a minute, and in a storm of logins so many of them; at the level debug all are said."""

import time
from collections.abc import Hashable

import structlog

from chatd.core.seldom import Seldom
from chatd.gateway.connection import ClientConnection

log = structlog.get_logger()


class StreamLog:
    def __init__(self) -> None:
        self._seldom = Seldom()

    def opened(self, peer: ClientConnection, client: str) -> None:
        """Its Welcome is on its way; ``client`` is the client's name for itself."""
        self._say("A stream began", peer.topic, peer, client=client)

    def ended(self, peer: ClientConnection, reason: str) -> None:
        """It is about to be forgotten, if it is one."""
        if peer.stream is not None:
            window = peer.stream.window
            self._say(
                "A stream ended",
                (peer.topic, reason),
                peer,
                reason=reason,
                sent=window.sent,
                acknowledged=window.handled,
            )

    def _say(self, sentence: str, key: Hashable, peer: ClientConnection, **fields: object) -> None:
        if peer.stream is None:
            return
        repeated = self._seldom.due(key, time.monotonic())
        stream = peer.stream.key
        fields = {
            "profile": stream.profile_id,
            "device": stream.device_id,
            "epoch": stream.epoch,
            "address": peer.link.origin,
            **fields,
        }
        if repeated is None:
            log.debug(sentence, **fields)
        else:
            log.info(sentence, **fields, repeated=repeated)
