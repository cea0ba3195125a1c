"""The system's libzmq as a process that sends every message back: DEALER that connects, or ROUTER
that binds. Without pyzmq, which brings a libzmq of its own.

    echo.py LIBRARY dealer|router PORT SERVER_KEY PUBLIC_KEY SECRET_KEY
"""

import ctypes
import sys

DEALER, ROUTER = 5, 6  # zmq.h
RCVMORE, SNDMORE = 13, 2
CURVE_SERVER, CURVE_PUBLICKEY, CURVE_SECRETKEY, CURVE_SERVERKEY, HEARTBEAT_IVL = 47, 48, 49, 50, 75
HEARTBEAT_TIMEOUT = 77
MAX_FRAME_BYTES = 2**21
HEARTBEAT_MS, PATIENCE_MS = 50, 20_000


def main(path: str, role: str, port: str, server_key: str, public_key: str, secret_key: str) -> None:
    library = ctypes.CDLL(path, use_errno=True)
    for name in ("zmq_ctx_new", "zmq_socket"):
        getattr(library, name).restype = ctypes.c_void_p
    sock = ctypes.c_void_p(
        library.zmq_socket(ctypes.c_void_p(library.zmq_ctx_new()), DEALER if role == "dealer" else ROUTER)
    )

    def call(name: str, *arguments: object) -> int:
        result: int = getattr(library, name)(sock, *arguments)
        if result < 0:
            raise OSError(ctypes.get_errno(), name)
        return result

    def set_number(option: int, value: int) -> None:
        call("zmq_setsockopt", option, ctypes.byref(ctypes.c_int(value)), ctypes.c_size_t(4))

    def set_key(option: int, key: str) -> None:
        call("zmq_setsockopt", option, ctypes.c_char_p(key.encode()), ctypes.c_size_t(41))

    set_number(HEARTBEAT_IVL, HEARTBEAT_MS)
    set_number(HEARTBEAT_TIMEOUT, PATIENCE_MS)
    set_key(CURVE_SECRETKEY, secret_key)
    if role == "dealer":
        set_key(CURVE_SERVERKEY, server_key)
        set_key(CURVE_PUBLICKEY, public_key)
        call("zmq_connect", f"tcp://127.0.0.1:{port}".encode())
    else:
        set_number(CURVE_SERVER, 1)
        call("zmq_bind", f"tcp://127.0.0.1:{port}".encode())
    print("ready", flush=True)
    buffer = ctypes.create_string_buffer(MAX_FRAME_BYTES)
    more, size = ctypes.c_int(), ctypes.c_size_t(4)
    while True:
        count = call("zmq_recv", buffer, ctypes.c_size_t(MAX_FRAME_BYTES), 0)
        call("zmq_getsockopt", RCVMORE, ctypes.byref(more), ctypes.byref(size))
        call("zmq_send", buffer, ctypes.c_size_t(count), SNDMORE if more.value else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
