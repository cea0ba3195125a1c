import re
from pathlib import Path

import pytest

from chatd.daemon.settings.listing import Row, describe, listing, page, rows, sample
from chatd.daemon.settings.retention import RetentionSection
from chatd.daemon.settings.settings import SECTIONS
from chatd.daemon.settings.sources import load_settings


def test_where_each_setting_came_from(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "chatd.toml"
    path.write_text("ack_flush_ms = 20\nfanout_repair_seconds = 7\n")
    monkeypatch.setenv("ACK_FLUSH_MS", "30")
    origins = {setting.name: setting.origin for setting in describe(load_settings("all", path))}
    wanted = ("environment", "environment", str(path), "default")
    assert (
        tuple(origins[name] for name in ("DATA_DIR", "ACK_FLUSH_MS", "FANOUT_REPAIR_SECONDS", "DB_URI"))
        == wanted
    )


def test_effective_settings_are_those_of_the_mode(home: Path) -> None:
    shown = {setting.name: setting.value for setting in describe(load_settings("all", None))}
    assert shown["QUEUE_USER_EVENT_DELIVERY_URI"] == "mem://user.event.delivery"
    assert shown["DB_URI"] == f"sqlite:///{home}/chatd.db"


def test_a_row_says_all_about_a_setting() -> None:
    row = rows(RetentionSection)[-1]
    meaning = "Seconds between two searches of a default node for events to remove and devices to forget."
    assert row == Row("RETENTION_SWEEP_SECONDS", "60.0", "0.1 to 86,400 s", meaning)
    assert f"RETENTION_SWEEP_SECONDS\n    {meaning} (0.1 to 86,400 s) [60.0]\n" in listing()
    assert f"| `RETENTION_SWEEP_SECONDS` | 60.0 | 0.1 to 86,400 s | {meaning} |\n" in page()


def test_the_page_has_a_heading_for_each_section() -> None:
    headings = [line.removeprefix("## ") for line in page().splitlines() if line.startswith("## ")]
    assert headings == [section.title for section in SECTIONS.values()]
    assert len(set(headings)) == len(headings)


def test_the_sample_changes_nothing_until_a_line_of_it_is_uncommented(home: Path) -> None:
    path = home / "chatd.toml"
    path.write_text(sample())
    before = describe(load_settings("all", None))
    assert describe(load_settings("all", path)) == before
    path.write_text(re.sub("(?m)^#(?=[a-z])", "", sample()))
    after = describe(load_settings("all", path))
    assert [(one.name, one.value) for one in after] == [(one.name, one.value) for one in before]
    assert {one.name for one in after if one.origin == str(path)} >= {"ACK_FLUSH_MS", "GATEWAY_URI"}
    assert sample().count("\n#") > sum(len(section.model_fields) for section in SECTIONS.values())
    assert max(len(line) for line in sample().splitlines() if line.startswith("# ")) <= 100
