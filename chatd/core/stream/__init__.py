"""One device's stream at a gateway: what to send, what to pull, what was acknowledged. No I/O, no
clock."""

from chatd.core.stream.published import Published, Run, count_of
from chatd.core.stream.state import StreamState
from chatd.core.stream.stream import DeviceStream

__all__ = ["DeviceStream", "Published", "Run", "StreamState", "count_of"]
