"""The daemon's token file, from which chatctl takes a token when it is given none."""

import os
import tomllib
from pathlib import Path

import typer

SYSTEM = Path("/var/lib/chatd")
"""The data directory of a chatd that systemd has started."""


def own_token() -> str:
    """The token in the data directory of a chatd on this machine, which is looked for where chatd
    itself would look. Raises typer.BadParameter, which says where."""
    folders = data_folders()
    path = next((path for path in folders if os.access(path / "tokens.toml", os.R_OK)), None)
    if path is not None:
        return first_token(path / "tokens.toml")
    remedy = "start chatd first, set CHATD_DATA_DIR, or give --token, --token-file or --context"
    looked = " and ".join(map(str, folders))
    hidden = [folder for folder in folders if folder.is_dir()]
    if hidden:
        raise typer.BadParameter(
            f"no token: {hidden[0]} holds no tokens.toml that this user may read; {remedy}"
        )
    raise typer.BadParameter(f"no token: chatd's data directory is not found at {looked}; {remedy}")


def data_folders() -> list[Path]:
    """The data directory that the environment names; else the system's and the user's."""
    try:
        for name in ("CHATD_DATA_DIR", "DATA_DIR", "STATE_DIRECTORY"):
            if os.environ.get(name):
                return [Path(os.environ[name]).expanduser()]
        return [SYSTEM, Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "chatd"]
    except RuntimeError:
        return [SYSTEM]  # the user has no home directory


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
