"""A batch whose items fail each for itself."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def each(
    items: Iterable[Item], handle: Callable[[Item], object], failed: Callable[[Item, Exception], object]
) -> None:
    """Handle all items. One that raises is given to ``failed`` and takes none of the others with
    it; ``failed`` is called while the exception is handled, so that a log shows it, and must not
    raise."""
    for item in items:
        try:
            handle(item)
        except Exception as exc:  # noqa: BLE001  whatever it is, the others are not concerned
            failed(item, exc)
