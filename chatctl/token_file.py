"""The daemon's token file, from which chatctl takes a token when it is given none."""

import os
import tomllib
from pathlib import Path

import typer

SYSTEM = Path("/var/lib/chatd")
"""The data directory of a chatd that systemd has started."""
SYSTEM_CONFIG = Path("/etc/chatd/chatd.toml")
TOKENS_FILE = ("CHATD_TOKENS_FILE", "TOKENS_FILE")
"""The variables that name the token file, as chatd reads them: the first one beats the second."""


def own_token() -> str:
    """The token in the data directory of a chatd on this machine, which is looked for where chatd
    itself would look. Raises typer.BadParameter, which says where."""
    if named := _setting("tokens_file"):
        return first_token(Path(named).expanduser())
    folders = data_folders()
    path = next((path for path in folders if os.access(path / "tokens.toml", os.R_OK)), None)
    if path is not None:
        return first_token(path / "tokens.toml")
    remedy = "start chatd first, set CHATD_DATA_DIR, or give --token, --token-file or --context"
    looked = " and ".join(map(str, folders))
    hidden = [folder for folder in folders if os.path.isdir(folder)]
    if hidden:
        raise typer.BadParameter(
            f"no token: {hidden[0]} holds no tokens.toml that this user may read; {remedy}"
        )
    raise typer.BadParameter(f"no token: chatd's data directory is not found at {looked}; {remedy}")


def data_folders() -> list[Path]:
    """The data directory that the environment or chatd's settings name; else the system's and the
    user's."""
    environment = os.environ.get
    try:
        for named in (environment("CHATD_DATA_DIR"), environment("DATA_DIR"), _setting("data_dir")):
            if named:
                return [Path(named).expanduser()]
        if given := environment("STATE_DIRECTORY"):
            return [Path(given)]
        return [SYSTEM, Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "chatd"]
    except RuntimeError:
        return [SYSTEM]  # the user has no home directory


def _setting(key: str) -> str:
    """A setting in chatd's file of settings; empty without one, or if this user may not read it."""
    path = Path(os.environ.get("CHATD_CONFIG") or SYSTEM_CONFIG)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return ""
    return next((str(value) for name, value in document.items() if name.lower() in (key, f"chatd_{key}")), "")


def first_token(path: Path) -> str:
    """The first operator's token, or the first token if there is no operator; digests are none.
    Raises typer.BadParameter."""
    try:
        tokens = tomllib.loads(path.read_text(encoding="utf-8-sig"))["tokens"]
        held = {token: entry for token, entry in tokens.items() if not token.startswith("sha256:")}
        operators = [token for token, entry in held.items() if entry.get("role") == "operator"]
        if tokens and not held:
            raise typer.BadParameter(f"no token: {path} holds only digests; give --token")
        return str((operators or list(held))[0])
    except FileNotFoundError as exc:
        remedy = "give --token or --token-file, or start chatd first"
        raise typer.BadParameter(f"no token: {path} does not exist; {remedy}") from exc
    except OSError as exc:
        raise typer.BadParameter(f"no token: {path} cannot be read ({exc.strerror}); give --token") from exc
    except (KeyError, IndexError, AttributeError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise typer.BadParameter(f"{path} is not a chatd token file") from exc
