"""Contexts: names for what chatctl is told again and again, in one file of the user's own.

A context holds a gateway's address, with its key, the path of a token file, and a profile. It never
holds a token.
"""

import json
import os
import re
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import typer

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIELDS = ("uri", "token_file", "profile")


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """An empty field is left to the environment."""

    name: str
    uri: str = ""
    token_file: str = ""
    profile: str = ""


@dataclass(slots=True)
class Contexts:
    """All contexts by name. ``current`` is the one in use; empty: none."""

    current: str = ""
    held: dict[str, ServiceContext] = field(default_factory=dict)

    def get(self, name: str) -> ServiceContext:
        """Raises typer.BadParameter if there is no such context."""
        if name not in self.held:
            others = f"there are: {', '.join(sorted(self.held))}" if self.held else "there are none"
            raise typer.BadParameter(f"there is no context {name!r}; {others}")
        return self.held[name]


def check_name(name: str) -> str:
    """Raises typer.BadParameter for a name that no context can have."""
    if not _NAME.fullmatch(name):
        raise typer.BadParameter("a context's name has 1 to 64 letters, digits, dots, - and _")
    return name


def place() -> Path:
    """The file. Raises typer.BadParameter if the user has no home directory."""
    try:
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "chatd" / "contexts.toml"
    except RuntimeError as exc:
        raise typer.BadParameter(f"user {os.getuid()} has no home directory for contexts") from exc


def read() -> Contexts:
    """All contexts; none if there is no file, or HOME is closed to this user, as it is after sudo.
    Raises typer.BadParameter if the file cannot be read."""
    if not os.environ.get("XDG_CONFIG_HOME") and os.path.expanduser("~") == "~":
        return Contexts()  # nobody's
    path = place()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        held = {
            check_name(name): ServiceContext(name, **{key: str(entry.get(key, "")) for key in _FIELDS})
            for name, entry in document.get("contexts", {}).items()
        }
    except FileNotFoundError:
        return Contexts()
    except OSError as exc:
        if not os.path.lexists(path):
            return Contexts()
        raise typer.BadParameter(f"{path} cannot be read ({exc.strerror})") from exc
    except (AttributeError, UnicodeDecodeError, tomllib.TOMLDecodeError, typer.BadParameter) as exc:
        raise typer.BadParameter(f"{path} does not hold chatctl's contexts") from exc
    return Contexts(str(document.get("current", "")), held)


def write(contexts: Contexts) -> None:
    """Store all contexts, readable by the user alone: at any time the file is the old or the new
    one. Raises typer.BadParameter if it cannot be written."""
    lines = [f"current = {_text(contexts.current)}"]
    for _, one in sorted(contexts.held.items()):
        lines += ["", f"[contexts.{_text(one.name)}]"]
        lines += [f"{key} = {_text(getattr(one, key))}" for key in _FIELDS if getattr(one, key)]
    path = place()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(dir=path.parent, prefix=".contexts")  # 0600
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
        except BaseException:
            os.unlink(new)
            raise
    except OSError as exc:
        raise typer.BadParameter(f"{path} cannot be written ({exc.strerror})") from exc


def _text(value: str) -> str:
    """A string of TOML."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def chosen(name: str) -> ServiceContext | None:
    """The context that ``name``, CHATCTL_CONTEXT or ``chatctl context use`` chooses, or none.
    Raises typer.BadParameter if it does not exist."""
    contexts = read()
    wanted = name or os.environ.get("CHATCTL_CONTEXT", "") or contexts.current
    return contexts.get(wanted) if wanted else None
