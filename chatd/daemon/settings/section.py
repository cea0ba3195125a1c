"""A section of the settings: fields, named and measured as operators write them, and methods that
give its subject what it takes.

Outside of a section every time is in seconds and every size in bytes: a field in another unit has a
method that converts it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.fields import FieldInfo

from chatd.daemon.mode import Mode

MIB = 1_048_576
MS_PER_SECOND = 1e3


@dataclass(frozen=True, slots=True)
class Place:
    """The mode of a process, its folders and its first addresses: the defaults of others depend on
    them. ``ipc_dir`` holds ipc sockets. ``public_host`` and ``default_uri`` are as they were set,
    or empty."""

    mode: Mode
    data_dir: Path
    ipc_dir: Path
    public_host: str = ""
    default_uri: str = ""


def number(default: float, description: str, *, unit: str, ge: float, le: float) -> Any:
    """A field whose range and unit go into tables and error lines."""
    limits = f"{ge:,} to {le:,} {unit}"
    return Field(default, description=description, ge=ge, le=le, json_schema_extra={"allowed": limits})


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _home(value: object) -> object:
    """``~`` and ``~user`` as in a shell: environment files and TOML are not read by one."""
    if not isinstance(value, str | Path) or not str(value).startswith("~"):
        return value
    try:
        return Path(value).expanduser()
    except RuntimeError as exc:
        raise ValueError("no home") from exc


def lower(value: object) -> object:
    """A text in lower case; anything else unchanged, for pydantic to refuse."""
    return value.lower() if isinstance(value, str) else value


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
FolderPath = Annotated[Path, BeforeValidator(_home)]
OptionalPath = Annotated[Path | None, BeforeValidator(_home), BeforeValidator(_empty_is_none)]


class Section(BaseModel):
    """Settings of one subject. An empty address or path means the default that its description
    names."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    title: ClassVar[str]
    """The section's heading in SETTINGS.md."""

    def problems(self, place: Place) -> Iterator[str]:
        """A line for each value that is well formed and still wrong, because of another value or
        the mode."""
        yield from ()

    def effective(self, place: Place) -> dict[str, str]:
        """Field → its value in force, for people: defaults are filled in, secrets masked."""
        return {name: str(value) for name, value in self.model_dump().items()}


def allowed(field: FieldInfo) -> str:
    """The values a field may have, in words: a range with its unit, the words to choose from, or
    the kind of text."""
    if isinstance(field.json_schema_extra, dict):
        return str(field.json_schema_extra["allowed"])
    words = get_args(field.annotation)
    if words and all(isinstance(word, str) for word in words):
        return ", ".join(words)
    if any(getattr(item, "pattern", None) for item in field.metadata):
        return "1 to 64 of the characters A-Z a-z 0-9 . _ -"
    if field.annotation is bool:
        return "true, false"
    if field.annotation in (Path, Path | None):
        return "a path"
    return "text"
