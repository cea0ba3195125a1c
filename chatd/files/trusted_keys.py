"""The public keys of other chatd processes that may connect to this one's: a line for each, a key
of 64 hexadecimal digits and a name for people."""

from pathlib import Path

from chatd.core.address import parse_key
from chatd.errors import ConfigError, os_error
from chatd.files.durable import make_folder, write_file
from chatd.text import one_line

_HEAD = "# Gateways and nodes that may connect: a public key and a name, one on each line.\n"


def read_trusted(path: Path) -> dict[bytes, str]:
    """The keys and their names; none if there is no file. Raises ConfigError, StartFailed."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise os_error(f"the file of trusted keys {path}", exc) from exc
    except UnicodeDecodeError:
        raise ConfigError(f"the file of trusted keys {path} is not UTF-8") from None
    trusted: dict[bytes, str] = {}
    for number, line in enumerate(lines, 1):
        if line.startswith("#") or not line.strip():
            continue
        key, _, name = line.strip().partition(" ")
        try:
            trusted[parse_key(key)] = one_line(name.strip())
        except ConfigError as exc:
            raise ConfigError(f"the file of trusted keys {path}, line {number}: {exc}") from exc
    return trusted


def write_trusted(path: Path, trusted: dict[bytes, str]) -> None:
    """Replace the file. Raises StartFailed."""
    lines = [f"{key.hex()} {name}".rstrip() for key, name in trusted.items()]
    try:
        make_folder(path.parent)
        write_file(path, _HEAD + "".join(f"{line}\n" for line in lines))
    except OSError as exc:
        raise os_error(f"the file of trusted keys {path}", exc) from exc
