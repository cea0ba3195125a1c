"""Files and folders with secrets that other users of the machine can read, and files that chatd
believes and they can change: said at start, since nothing else shows it."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from chatd.daemon.settings import Settings
from chatd.daemon.settings.secret_files import secret_names
from chatd.files.private import open_to

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Exposed:
    """A path that has permissions (``mode``, such as "0644") that let others read the secrets that
    it holds, or change what chatd believes."""

    path: Path
    holds: str
    mode: str
    is_changeable: bool

    def __str__(self) -> str:
        can = f"change {self.path}, which says" if self.is_changeable else f"read {self.path}, which holds"
        return f"other users can {can} {self.holds} ({self.mode})"


def exposed(settings: Settings) -> Iterator[Exposed]:
    """All places of the mode that are."""
    for path, holds in _places(settings):
        mode = exposed_mode(path)
        if mode:
            yield Exposed(path, holds, mode, is_changeable=False)
    for path, says in _believed(settings):
        mode = changeable_mode(path)
        if mode:
            yield Exposed(path, says, mode, is_changeable=True)


def warn_of_exposed(settings: Settings) -> None:
    """A warning for each of them."""
    for one in exposed(settings):
        if one.is_changeable:
            log.warning(
                "Other users can change this; close it with chmod go-w",
                path=str(one.path),
                says=one.holds,
                mode=one.mode,
            )
        else:
            log.warning(
                "Other users can read this; close it with chmod",
                path=str(one.path),
                holds=one.holds,
                mode=one.mode,
                wanted="0700" if one.path.is_dir() else "0600",
            )


def _places(settings: Settings) -> Iterator[tuple[Path, str]]:
    """The places of the mode that hold secrets, and what each holds."""
    place = settings.place
    yield place.data_dir, "data"
    if place.mode != "default":
        yield settings.authentication.tokens(place), "tokens"
        if settings.http.has_certificate and settings.http.http_tls_key_file is not None:
            yield settings.http.http_tls_key_file, "a private key"
    if place.mode != "gateway":
        database = settings.store.database(place)
        if database.startswith("sqlite:///"):
            yield Path(database.removeprefix("sqlite:///")), "the database"
        if settings.notifications.notify_vapid_key is not None:
            yield settings.notifications.notify_vapid_key, "a private key"
    for file in {settings.origins[name] for name in secret_names() if name in settings.origins}:
        if file != "environment":
            yield Path(file), "passwords"


def _believed(settings: Settings) -> Iterator[tuple[Path, str]]:
    """The files of the mode that say who may do what, and what each says."""
    place = settings.place
    if place.mode != "default":
        yield settings.authentication.tokens(place), "whose tokens are"
        if settings.authentication.jwt_keys_file is not None:
            yield settings.authentication.jwt_keys_file, "who signs tokens"
    if place.mode != "gateway":
        yield settings.node.trusted(), "which gateways may connect"
    for file in sorted(set(settings.origins.values()) - {"environment"}):
        yield Path(file), "settings"


def exposed_mode(path: Path) -> str:
    """The permissions of a path that others than its owner can read, such as "0644"; empty if they
    cannot, or if nothing is there. A file of another owner may be its group's."""
    return _mode_if_open(path, stat.S_IRGRP | stat.S_IROTH)


def changeable_mode(path: Path) -> str:
    """The same of a file that others can write."""
    return _mode_if_open(path, stat.S_IWGRP | stat.S_IWOTH)


def _mode_if_open(path: Path, shows: int) -> str:
    try:
        status = path.stat()
        above = [folder.stat().st_mode for folder in path.absolute().parents]
    except OSError:
        return ""
    if stat.S_ISDIR(status.st_mode):
        shows |= stat.S_IXGRP | stat.S_IXOTH
    for whose, enters in ((stat.S_IRWXG, stat.S_IXGRP | stat.S_IXOTH), (stat.S_IRWXO, stat.S_IXOTH)):
        if open_to(status) & whose & shows and all(folder & enters for folder in above):
            return f"{stat.S_IMODE(status.st_mode):04o}"
    return ""
