"""Figures as a table for people, as JSON for machines, and against an earlier report."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.scenarios import Figures

BASELINE = Path(__file__).with_name("baseline.json")
WORSE = 1.3
"""A judged figure that is so many times as bad as in the baseline is a regression."""
HIGHER_IS_BETTER = ("deliveries_per_second", "events_per_second")
LOWER_IS_BETTER = (
    "server_cpu_us_per_delivery",
    "server_cpu_us_per_event",
    "receive_p50_ms",
    "kib_per_connection",
    "first_ms",
)
Report = dict[str, dict[str, Figures]]
"""Scenario → system → figures."""


def medians(runs: Sequence[Figures]) -> Figures:
    """The median of each figure; of ``missing``, the most."""
    return {
        name: (max if name == "missing" else statistics.median)([run[name] for run in runs])
        for name in runs[0]
    }


def print_tables(report: Report, console: Console) -> None:
    for scenario, systems in report.items():
        table = Table("", *systems, title=scenario, title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for figure in dict.fromkeys(name for figures in systems.values() for name in figures):
            table.add_row(
                figure.replace("_", " "), *(_shown(figures.get(figure)) for figures in systems.values())
            )
        console.print(table)


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.3g}"


def to_json(report: Report, *, repeat: int, seconds: float, body: int) -> str:
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release().split("-")[0],
    }
    return json.dumps(
        {"machine": machine, "repeat": repeat, "seconds": seconds, "body": body, "figures": report},
        indent=1,
        sort_keys=True,
    )


def regressions(before: Mapping[str, Mapping[str, Figures]], now: Report) -> list[str]:
    """The judged figures, in both, that are much worse now."""
    found = []
    for scenario, systems in now.items():
        for system, figures in systems.items():
            old = before.get(scenario, {}).get(system, {})
            for name in figures.keys() & old.keys():
                if (name in HIGHER_IS_BETTER and figures[name] * WORSE <= old[name]) or (
                    name in LOWER_IS_BETTER and figures[name] >= old[name] * WORSE
                ):
                    found.append(
                        f"{scenario} on {system}: {name.replace('_', ' ')} {_shown(old[name])} → "
                        f"{_shown(figures[name])}"
                    )
    return sorted(found)


def print_changes(before: Mapping[str, Mapping[str, Figures]], now: Report, console: Console) -> None:
    table = Table("scenario", "system", "figure", "baseline", "now", "change")
    for column in table.columns[3:]:
        column.justify = "right"
    for scenario, systems in now.items():
        for system, figures in systems.items():
            old = before.get(scenario, {}).get(system, {})
            for name in (*HIGHER_IS_BETTER, *LOWER_IS_BETTER):
                if name in figures and old.get(name):
                    change = figures[name] / old[name] - 1
                    table.add_row(
                        scenario,
                        system,
                        name.replace("_", " "),
                        _shown(old[name]),
                        _shown(figures[name]),
                        f"{change:+.0%}",
                    )
    console.print(table)
