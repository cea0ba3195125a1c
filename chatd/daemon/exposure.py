"""Files and folders with secrets that other users of the machine can read: said at start, since
nothing else shows it."""

import stat
from collections.abc import Iterator
from pathlib import Path

import structlog

from chatd.daemon.settings import Settings
from chatd.daemon.settings.masking import may_hold_secret

log = structlog.get_logger()


def warn_of_exposed(settings: Settings) -> None:
    """A warning for each place that others can read."""
    for path, holds in _places(settings):
        mode = exposed_mode(path)
        if mode:
            log.warning(
                "Other users can read this; close it with chmod", path=str(path), holds=holds, mode=mode
            )


def _places(settings: Settings) -> Iterator[tuple[Path, str]]:
    """The places of the mode that hold secrets, and what each holds."""
    place = settings.place
    yield place.data_dir, "data"
    if place.mode != "default":
        yield settings.authentication.tokens(place), "tokens"
    if place.mode != "gateway":
        database = settings.store.database(place)
        if database.startswith("sqlite:///"):
            yield Path(database.removeprefix("sqlite:///")), "the database"
        if settings.notifications.notify_vapid_key is not None:
            yield settings.notifications.notify_vapid_key, "a private key"
    for file in {settings.origins[name] for name in _secret_fields(settings) if name in settings.origins}:
        if file != "environment":
            yield Path(file), "passwords"


def _secret_fields(settings: Settings) -> Iterator[str]:
    for section in settings.sections().values():
        yield from (name for name, field in type(section).model_fields.items() if may_hold_secret(field))


def exposed_mode(path: Path) -> str:
    """The permissions of a path that others than its owner and its group can read, such as "0644";
    empty if they cannot, or if nothing is there."""
    try:
        mode = path.stat().st_mode
        above = [folder.stat().st_mode for folder in path.absolute().parents]
    except OSError:
        return ""
    readable = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    if not mode & readable or not all(folder & stat.S_IXOTH for folder in above):
        return ""
    return f"{stat.S_IMODE(mode):04o}"
