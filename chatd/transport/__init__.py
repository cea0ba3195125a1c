"""ZeroMQ: the only package that imports zmq. Sockets with their options, and how they are
drained."""
