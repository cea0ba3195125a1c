"""The settings as people read them: those in force and where each came from, and those there
are."""

from dataclasses import dataclass

from pydantic_core import PydanticUndefined

from chatd.daemon.settings.masking import may_hold_secret
from chatd.daemon.settings.section import Section, allowed
from chatd.daemon.settings.settings import SECTIONS, Settings

_INTRODUCTION = """\
# Settings

chatd reads its settings from the environment or from a TOML file, where the names are in lower
case. The environment wins. The file is the one that `--config FILE` names, else `CHATD_CONFIG`,
else `/etc/chatd/chatd.toml` if it exists. The headings only order this page: a file has no
sections. If a setting may hold a secret, `NAME_FILE` names a file that has it, and so does
systemd's credential (`LoadCredential=`) of the setting's name in lower case. `chatd --check-config`
shows the settings in force. `chatd settings --markdown` prints this page; `make fix` renews it.
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


def page() -> str:
    """Every setting there is as a Markdown page: ``SETTINGS.md``, in the folder above."""
    return _INTRODUCTION + "".join(
        f"\n## {section.title}\n{_HEADER}"
        + "".join(
            f"| `{row.name}` | {row.default} | {row.limits} | {row.meaning} |\n" for row in rows(section)
        )
        for section in SECTIONS.values()
    )
