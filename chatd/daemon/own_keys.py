"""The key pairs of this process: its place among others, who know it by its public key."""

from chatd.daemon.settings import Settings
from chatd.files.key_file import Keys, load_keys


def own_keys(settings: Settings, *, create: bool) -> Keys | None:
    """The keys of the process; None if it encrypts nothing. ``create``: they are made if they are
    missing. Raises ConfigError, StartFailed."""
    if not settings.needs_keys:
        return None
    return load_keys(settings.node.keys(settings.place), create=create)
