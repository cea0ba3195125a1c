"""The settings as people read them: those in force and where each came from, and those there
are."""

import json
from dataclasses import dataclass
from textwrap import wrap

from pydantic_core import PydanticUndefined

from chatd.daemon.settings.masking import may_hold_secret
from chatd.daemon.settings.section import Section, allowed
from chatd.daemon.settings.settings import SECTIONS, Settings

_INTRODUCTION = """\
# Settings

chatd takes each setting from the first of these places that has it:

1. the environment, as `CHATD_NAME`. A unit's `Environment=` and the lines of its `.env` file
   (`EnvironmentFile=`) are the environment; chatd itself reads no `.env` file.
2. the environment, as `NAME` alone, for as long as no other program means something else by it. If
   both are set, `CHATD_NAME` counts, and chatd warns if they differ.
3. systemd's credential (`LoadCredential=`) of the setting's name in lower case: such as `db_uri`,
   if the setting may hold a secret, or `tokens_file`, if it names a file;
4. of a process that was started with `chatd run NAME`, the TOML file `/etc/chatd/NAME.toml`, which
   also says its `mode`. `CHATD_INSTANCE=NAME` gives other commands the same settings;
5. a TOML file: the one that `--config FILE` names, else `CHATD_CONFIG`, else
   `/etc/chatd/chatd.toml` if it exists. Names are in lower case there, and there are no sections:
   the headings only order this page. `chatd settings --toml` prints a file to begin with;
6. the default.

Empty is unset. If a setting may hold a secret, `CHATD_NAME_FILE` in the environment, or `name_file`
in TOML, names a file that has it; it stands in the place of the setting, and beside it it is
refused. A wrong value, or a key of TOML that is no setting, ends the start (exit code 2); a
variable that begins with `CHATD_` and is no setting is warned of. `chatctl` reads `CHATD_DATA_DIR`
and `CHATD_TOKENS_FILE` as chatd does, in the environment and in the file.

`chatd --check-config` shows the settings in force, and where each is from. `chatd settings
--markdown` prints this page; `make fix` renews it.
"""

_SAMPLE = """\
# Settings of chatd, each with its default. Remove the # before a line to change it. The
# environment beats this file: CHATD_ and the name in upper case. SETTINGS.md says more.
"""

_HEADER = """
| setting | default | allowed | meaning |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting in force. ``origin``: ``default``, ``environment`` or the file's path."""

    name: str
    value: str
    origin: str


def describe(settings: Settings) -> list[Effective]:
    """The settings in force; passwords are masked."""
    return [
        Effective(name.upper(), value, settings.origins.get(name, "default"))
        for section in settings.sections().values()
        for name, value in section.effective(settings.place).items()
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """One setting there is. ``default``: empty if it depends on something; the meaning says on
    what. ``limits``: the range with its unit; empty for text."""

    name: str
    default: str
    limits: str
    meaning: str


def rows(section: type[Section]) -> list[Row]:
    """The settings of one section, in the order of its fields."""
    found = []
    for name, field in section.model_fields.items():
        default = "" if field.default in (None, "", PydanticUndefined) else str(field.default)
        limits = allowed(field) if field.json_schema_extra else ""
        meaning = field.description or ""
        if may_hold_secret(field):
            meaning += f" {name.upper()}_FILE may name a file that has it."
        found.append(Row(name.upper(), default, limits, meaning))
    return found


def listing() -> str:
    """Every setting there is, section by section, for a terminal."""
    lines = []
    for section in SECTIONS.values():
        for row in rows(section):
            limits = f" ({row.limits})" if row.limits else ""
            lines.append(f"{row.name}\n    {row.meaning}{limits}{f' [{row.default}]' if row.default else ''}")
    return "\n".join(lines)


def sample() -> str:
    """Every setting as a TOML file that changes none."""
    lines = [_SAMPLE]
    for section in SECTIONS.values():
        lines.append(f"\n# --- {section.title} ---\n")
        for row, field in zip(rows(section), section.model_fields.values(), strict=True):
            limits = f" ({row.limits})" if row.limits else ""
            lines += [f"# {line}\n" for line in wrap(f"{row.meaning}{limits}", 96)]
            known = isinstance(field.default, bool | int | float | str)
            lines.append(f"#{row.name.lower()} = {json.dumps(field.default if known else '')}\n\n")
    return "".join(lines)


def page() -> str:
    """Every setting there is as a Markdown page: ``SETTINGS.md``, in the folder above."""
    return _INTRODUCTION + "".join(
        f"\n## {section.title}\n{_HEADER}"
        + "".join(
            f"| `{row.name}` | {row.default} | {row.limits} | {row.meaning} |\n" for row in rows(section)
        )
        for section in SECTIONS.values()
    )
