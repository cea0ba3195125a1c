"""The settings: sections in files named for them, composed into one ``Settings``. ``sources`` reads
it, once."""

from chatd.daemon.mode import Mode
from chatd.daemon.settings.settings import Settings

__all__ = ["Mode", "Settings"]
