"""Rewound: asks, on another log, which of the events that were shown it does not have."""

import asyncio
from collections.abc import Callable, Sequence

from chatd.client.lifecycle import Lifecycle
from chatd.client.resume import Resume
from chatd.pb.chat.v1.chat_pb2 import FindRewoundRequest, FindRewoundResponse, RewoundRoom
from chatd.pb.gateway.v1.gateway_pb2 import ClientFrame, RpcRequest, RpcResponse

FIRST_CALL_ID = 2
"""The stream's other call has 1 (``Signals``)."""
MAX_MARKS = 1_000
"""Rooms of one call."""
AGAIN_SECONDS = 1.0
"""Seconds before a call that may succeed later is repeated."""

OnRewound = Callable[[Sequence[RewoundRoom]], None]


class Rewound:
    """Calls ``on_rewound`` with the rooms in which something is lost, once for each. An error that
    it raises ends the stream."""

    def __init__(
        self,
        say: Callable[[ClientFrame], bool],
        lifecycle: Lifecycle,
        resume: Resume,
        on_rewound: OnRewound | None,
    ) -> None:
        self._say = say
        self._lifecycle = lifecycle
        self._resume = resume
        self._on_rewound = on_rewound
        self._call_id = FIRST_CALL_ID - 1
        self._asked: tuple[str, ...] = ()

    def ask(self) -> None:
        """After a Welcome: ask about what was shown of an earlier log, if there is anything."""
        if self._on_rewound is None or not self._resume.before or not self._lifecycle.is_open:
            return
        marks = list(self._resume.before.values())[:MAX_MARKS]
        self._asked = tuple(one.room_id for one in marks)
        self._call_id += 1
        payload = FindRewoundRequest(marks=marks).SerializeToString()
        call = RpcRequest(call_id=self._call_id, method="ChatService/FindRewound", payload=payload)
        self._say(ClientFrame(call=call))

    def on_reply(self, reply: RpcResponse) -> None:
        """The answer. A call that failed is repeated if it may be, and else given up."""
        if reply.call_id != self._call_id or self._on_rewound is None:
            return
        if reply.HasField("error") and reply.error.retry:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self.ask)
            return
        for room_id in self._asked:
            self._resume.before.pop(room_id, None)
        rooms = FindRewoundResponse.FromString(reply.payload).rooms
        if rooms:
            try:
                self._on_rewound(list(rooms))
            except Exception as exc:  # noqa: BLE001  the application's own, raised where it iterates
                self._on_rewound = None
                self._lifecycle.end(exc)
                return
        self.ask()
