"""The alert rules and the dashboard name only what a process shows."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.daemon.metrics.scraping import Samples, metrics_uri, samples, until
from tests.daemon.test_process import chatctl
from tests.daemons import Daemon
from tests.system.test_metrics import DECLARED, OF_BROKERS, in_the_code

FOLDER = Path(__file__).parents[2] / "systemd"
NAME = re.compile(r"\b(?:chatd|process)_\w+")
SELECTOR = re.compile(r"\b((?:chatd|process)_\w+)\{([^}]*)\}")
EVERY_TARGET = {"instance", "job", "le"}
"""Labels that Prometheus adds, and that of a bucket."""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """A scrape of a process that is all of chatd."""
    with Daemon("all", tmp_path_factory.mktemp("all"), {**metrics_uri(), "SEARCH": "true"}) as daemon:
        # Some are not known before the first lease, beat, and answer of the database.
        gauges = {f"chatd_{name}" for name in in_the_code(DECLARED) - OF_BROKERS}
        until(lambda: gauges <= {name for name, _ in samples(daemon)})
        return samples(daemon)


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "chatd.rules.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> Iterator[dict[str, Any]]:
    """Those that show something."""
    dashboard = json.loads((FOLDER / "chatd.dashboard.json").read_text())
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def expressions() -> list[str]:
    dashboard = json.loads((FOLDER / "chatd.dashboard.json").read_text())
    variables = [one["definition"] for one in dashboard["templating"]["list"] if "definition" in one]
    return [
        *(rule["expr"] for rule in rules()),
        *(target["expr"] for panel in panels() for target in panel["targets"]),
        *variables,
    ]


def test_all_that_is_named_is_shown(shown: Samples) -> None:
    names = {name for name, _ in shown} | {f"chatd_{name}" for name in OF_BROKERS}
    for expression in expressions():
        assert set(NAME.findall(expression)) <= names, expression


def test_labels_are_those_that_are_there(shown: Samples) -> None:
    labels: dict[str, dict[str, set[str]]] = {}
    for name, pairs in shown:
        for label, text in pairs:
            labels.setdefault(name, {}).setdefault(label, set()).add(text)
    for expression in expressions():
        for name, selector in SELECTOR.findall(expression):
            for label, operator, wanted in re.findall(r'(\w+)(=~|=)"([^"]*)"', selector):
                if label in EVERY_TARGET:
                    continue
                known = labels[name][label]
                pattern = wanted if operator == "=~" else re.escape(wanted)
                assert all(any(re.fullmatch(one, text) for text in known) for one in pattern.split("|")), (
                    selector
                )
        by = {
            label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")
        }
        there = {label for name in NAME.findall(expression) for label in labels.get(name, {})}
        assert by - EVERY_TARGET <= there, expression


def test_an_alert_says_what_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 8
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}
        assert expression_is_whole(rule["expr"])


def expression_is_whole(text: str) -> bool:
    return all(text.count(one) == text.count(other) for one, other in ("()", "[]", "{}"))


def test_panels_have_a_place_of_their_own() -> None:
    places: set[tuple[int, int]] = set()
    for panel in panels():
        assert panel["targets"]
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert places.isdisjoint(mine), panel["title"]
        places |= mine


def test_every_counter_and_stage_is_drawn_or_is_known_not_to_be(shown: Samples) -> None:
    """A metric that is added is shown or alarmed of, or named here."""
    drawn = {name for expression in expressions() for name in NAME.findall(expression)}
    left_out = {
        "chatd_devices_online",
        "chatd_devices_replaced_total",
        "chatd_events_pulled_total",
        "chatd_newcomers_waiting",
        "chatd_orphans_deleted_total",
        "chatd_search_events_indexed_total",
        "chatd_search_rooms_behind",
        "chatd_signals_dropped_total",
        "chatd_stage_seconds_count",
        "chatd_stage_seconds_sum",
        "chatd_streams_opened_total",
        "process_start_time_seconds",
    }
    assert {name for name, _ in shown} - drawn == left_out


def test_commands_that_are_named_exist() -> None:
    commands = set(re.findall(r"`chatctl ([a-z -]+)`", (FOLDER / "chatd.rules.yml").read_text()))
    assert len(commands) > 2
    for command in commands:
        shown_help = chatctl(*command.split(), "--help")
        assert shown_help.returncode == 0, command
