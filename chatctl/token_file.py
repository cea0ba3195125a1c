"""The daemon's token file, from which chatctl takes a token when it is given none."""

import os
import tomllib
from pathlib import Path

import typer


def default_path() -> Path:
    """The daemon's token file, in the data directory of the environment, of the system or of the
    user. Raises typer.BadParameter."""
    system = Path("/var/lib/chatd/tokens.toml")
    try:
        for name in ("CHATD_DATA_DIR", "DATA_DIR", "STATE_DIRECTORY"):
            if os.environ.get(name):
                return Path(os.environ[name]).expanduser() / "tokens.toml"
        if os.access(system, os.R_OK):
            return system
        return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "chatd" / "tokens.toml"
    except RuntimeError as exc:
        raise typer.BadParameter(
            f"no token: user {os.getuid()} has no home directory; give --token or --token-file"
        ) from exc


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
