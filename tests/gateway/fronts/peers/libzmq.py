"""The system's libzmq as a client whose messages come back. Without pyzmq, which brings a libzmq of
its own. Prints the messages that came back as they were sent.

    libzmq.py LIBRARY dealer|req URI COUNT LARGEST
"""

import ctypes
import sys

REQ, DEALER = 3, 5  # zmq.h
ROUTING_ID, RCVTIMEO, HEARTBEAT_IVL, HEARTBEAT_TIMEOUT = 5, 27, 75, 77
HEARTBEAT_MS, PATIENCE_MS = 50, 20_000


def main(path: str, kind: str, uri: str, count: int, largest: int) -> None:
    library = ctypes.CDLL(path, use_errno=True)
    for name in ("zmq_ctx_new", "zmq_socket"):
        getattr(library, name).restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.zmq_ctx_new())
    sock = ctypes.c_void_p(library.zmq_socket(context, DEALER if kind == "dealer" else REQ))

    def call(name: str, *arguments: object) -> int:
        result: int = getattr(library, name)(sock, *arguments)
        if result < 0:
            raise OSError(ctypes.get_errno(), name)
        return result

    # The timeout is else the interval, and the machine may be busy.
    options = {RCVTIMEO: PATIENCE_MS, HEARTBEAT_IVL: HEARTBEAT_MS, HEARTBEAT_TIMEOUT: PATIENCE_MS}
    for option, value in options.items():
        call("zmq_setsockopt", option, ctypes.byref(ctypes.c_int(value)), ctypes.c_size_t(4))
    call("zmq_setsockopt", ROUTING_ID, b"device", ctypes.c_size_t(6))
    call("zmq_connect", uri.encode())
    buffer = ctypes.create_string_buffer(largest + 1)
    good = 0
    for number in range(count):
        size = largest if number == count - 1 else number
        call("zmq_send", bytes([number % 256]) * size, ctypes.c_size_t(size), 0)
        got = call("zmq_recv", buffer, ctypes.c_size_t(largest + 1), 0)
        good += buffer.raw[:got] == bytes([number % 256]) * size
    print(good)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
