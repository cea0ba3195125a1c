"""Runs inside the machine: connects to a port again and again, and prints what came of it."""

import json
import socket
import sys
import time

port, seconds = int(sys.argv[1]), float(sys.argv[2])
REQUEST = b"GET /v1/none HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
answered = refused = other = 0
longest = 0.0
end = time.monotonic() + seconds
while time.monotonic() < end:
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            if port % 100 == 80:
                client.sendall(REQUEST)
            if client.recv(100):
                answered += 1
            else:
                other += 1
    except ConnectionRefusedError:
        refused += 1
    except OSError:
        other += 1
    longest = max(longest, time.monotonic() - began)
    time.sleep(0.02)
print(json.dumps({"answered": answered, "refused": refused, "cut": other, "longest": longest}))
