"""Sockets for very many clients of one test."""

from collections.abc import Iterator
from contextlib import contextmanager

from chatd.transport.sockets import Context, new_context


@contextmanager
def many_sockets(count: int) -> Iterator[Context]:
    """A context for so many. It ends with the test, also with one that fails: later ones would be
    blamed for what it left open."""
    context = new_context(max_sockets=count)
    try:
        yield context
    finally:
        context.destroy(linger=0)
