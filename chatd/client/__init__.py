"""The Python SDK.

```python
async with Client("tcp://127.0.0.1:7400", token) as client:
    await client.create_room("lobby", profiles=["bob"])
    ack = await client.send("lobby", "hello")  # stored for good when it returns
    async with client.stream("laptop") as stream:
        async for delivery in stream:  # in order, without repeats, across any disconnect
            print(delivery.room_id, delivery.seq, delivery.sender_id, delivery.text)
```

A script that is not asynchronous has ``once``:

```python
once("tcp://127.0.0.1:7400", token, lambda client: client.send("lobby", "the backup is done"))
```
"""

from chatd.client.client import Client
from chatd.client.client_key import client_key
from chatd.client.delivery import Delivery
from chatd.client.lifecycle import StreamState
from chatd.client.marks import Marks
from chatd.client.once import once
from chatd.client.outgoing import message
from chatd.client.stream import Stream
from chatd.core.priority import BULK, HIGHEST, NORMAL, URGENT
from chatd.core.start import HEAD, JOINED, UNDELIVERED, Start, parse_start

__all__ = [
    "BULK",
    "HEAD",
    "HIGHEST",
    "JOINED",
    "NORMAL",
    "UNDELIVERED",
    "URGENT",
    "Client",
    "Delivery",
    "Marks",
    "Start",
    "Stream",
    "StreamState",
    "client_key",
    "message",
    "once",
    "parse_start",
]
