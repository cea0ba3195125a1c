"""Rules that hold of every section and of every setting in it."""

import re
from collections import Counter
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

import chatd.daemon.settings as package
from chatd.daemon.settings.section import Section, allowed
from chatd.daemon.settings.settings import SECTIONS, Settings
from chatd.daemon.settings.sources import load_settings

FIELDS = [
    (name, key, field) for name, section in SECTIONS.items() for key, field in section.model_fields.items()
]
UNITS = {
    "ms": "milliseconds",
    "s": "seconds",
    "days": "days",
    "bytes": "bytes",
    "bytes/day": "in a day",
    "(zstd's level)": "level",
    "connections": "connections",
    "tokens": "tokens",
    "deliveries": "deliveries",
    "devices": "devices",
    "members": "members",
    "rooms": "rooms",
    "invitations": "invitations",
    "proposals": "proposals",
    "profiles": "profiles",
    "calls": "calls",
    "changes": "changes",
    "events": "events",
    "retries": "retries",
    "characters": "characters",
    "events/s": "events per second",
    "bytes/s": "bytes per second",
    "frames/s": "frames per second",
    "calls/s": "calls per second",
    "changes/min": "changes per minute",
}
"""Unit in a range → the words of a description."""
SUFFIXES = {
    "_ms": "ms",
    "_seconds": "s",
    "_days": "days",
    "_bytes": "bytes",
    "_per_second": "/s",
    "_per_minute": "/min",
}
"""End of a key → end of its unit."""

every_setting = pytest.mark.parametrize(
    ("key", "field"), [pytest.param(key, field, id=key) for _, key, field in FIELDS]
)


def unit_of(field: FieldInfo) -> str:
    """Empty for a field that is no number."""
    return allowed(field).split(" ", 3)[3] if field.json_schema_extra else ""


def test_every_setting_is_in_exactly_one_section() -> None:
    times = Counter(key for _, key, _ in FIELDS)
    assert {key: count for key, count in times.items() if count != 1} == {}


def test_every_section_is_part_of_the_settings_under_its_file_s_name() -> None:
    assert set(SECTIONS.values()) == set(Section.__subclasses__())
    assert {section.__module__ for section in SECTIONS.values()} == {
        f"{package.__name__}.{name}" for name in SECTIONS
    }
    assert list(load_settings("all", None).sections()) == list(SECTIONS)
    assert set(Settings.model_fields) - set(SECTIONS) == {
        "mode",
        "instance",
        "config_file",
        "origins",
        "warnings",
    }


@every_setting
def test_a_description_is_complete_alone(key: str, field: FieldInfo) -> None:
    text = field.description or ""
    assert re.match("[A-Z]", text), "starts with a capital"
    assert not re.match(r"(The same|And|Then|Nor|Of|Who|What|Whoever|Whatever|How|Whether|So)\b", text), (
        "leans on another description"
    )
    assert text.endswith("."), "ends a full thought"
    assert len(text.split()) > 7
    assert "|" not in text, "would end its cell of SETTINGS.md"


@every_setting
def test_a_description_names_its_unit(key: str, field: FieldInfo) -> None:
    unit = unit_of(field)
    if unit:
        assert UNITS[unit] in (field.description or "").lower()
    suffix = next((suffix for suffix in SUFFIXES if key.endswith(suffix)), "")
    assert unit.endswith(SUFFIXES[suffix]) if suffix else unit not in ("ms", "s")


@every_setting
def test_a_description_says_what_0_does(key: str, field: FieldInfo) -> None:
    waits = {
        "presence_grace_seconds",
        "notify_delay_seconds",
    }  # 0 is no time, as any other number is that time
    if allowed(field).startswith("0 to") and key not in waits:
        assert "With 0 " in (field.description or "")


@every_setting
def test_a_default_is_within_its_range(key: str, field: FieldInfo) -> None:
    if field.json_schema_extra:
        lowest, highest = (
            float(number.replace(",", "")) for number in re.findall(r"[\d,.]+", allowed(field))[:2]
        )
        assert lowest <= field.default <= highest


def test_sections_cannot_be_changed() -> None:
    settings = load_settings("all", None)
    for section in settings.sections().values():
        with pytest.raises(ValueError, match="frozen"):
            setattr(section, next(iter(type(section).model_fields)), None)


def test_only_sections_convert_units() -> None:
    """A root that named a setting in milliseconds would have to divide: a second place for the same
    knowledge."""
    folder = Path(package.__file__).parents[1]
    for root in ("default_node.py", "gateway_node.py", "run.py"):
        assert not re.search(r"settings\.\w+\.\w+_(ms|per_minute)\b", (folder / root).read_text()), root
