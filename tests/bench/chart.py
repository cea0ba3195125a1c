"""`make chart`: one picture of a report's figures, for people who look for a second.

It has a group of bars for each scenario, one bar for each system: server CPU for a delivery, so
shorter is better. Each scenario has a scale of its own. The picture has light and dark colours, and
follows its reader's.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from tests.bench.catalogue import PEERS, SHARED

FIGURES = Path(__file__).with_name("figures.json")
CHART = Path(__file__).with_name("figures.svg")

WIDTH = 760
"""Pixels, as are all lengths here."""
MARGIN = 16
LABEL = 128
VALUE = 190
BAR, BAR_STEP = 16, 22
TITLE, GROUP_GAP = 24, 14

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.quiet { fill: #59636e; }
.title { font-weight: 600; }
.ours { fill: #0969da; }
.others { fill: #afb8c1; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.quiet { fill: #9198a1; }
.ours { fill: #4493f8; }
.others { fill: #656c76; }
}
"""

Figures = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Scenario → system → figures."""


def draw(figures: Figures) -> str:
    """The picture as SVG. Scenarios and systems come in the catalogue's order; what has no CPU of a
    delivery is left out."""
    groups = [(name, _bars(figures[name])) for name in SHARED if name in figures]
    parts: list[str] = []
    top = MARGIN + TITLE
    parts.append(_text(MARGIN, MARGIN + 12, "Server CPU for each delivery: shorter is better", "title"))
    for name, bars in groups:
        top += GROUP_GAP
        parts.append(_text(MARGIN, top + 14, SHARED[name].about, "quiet"))
        top += TITLE
        longest = max((cost for _, cost, _ in bars), default=1.0)
        for system, cost, rate in bars:
            parts += _bar(top, system, cost, rate, longest)
            top += BAR_STEP
    top += GROUP_GAP
    parts.append(_text(MARGIN, top + 14, "An acknowledged event is", "quiet"))
    top += BAR_STEP
    for system in [one for one in PEERS if any(one in figures[name] for name, _ in groups)]:
        parts.append(_text(MARGIN, top + 14, f"{PEERS[system]().promise}: {system}", "quiet"))
        top += BAR_STEP
    height = top + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Server CPU for each delivery">\n'
        f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _bars(systems: Mapping[str, Mapping[str, float]]) -> list[tuple[str, float, float]]:
    """(system, µs of CPU, deliveries a second), chatd first."""
    return [
        (name, systems[name]["server_cpu_us_per_delivery"], systems[name]["deliveries_per_second"])
        for name in PEERS
        if "server_cpu_us_per_delivery" in systems.get(name, {})
    ]


def _bar(top: int, system: str, cost: float, rate: float, longest: float) -> list[str]:
    length = max(1.0, (WIDTH - 2 * MARGIN - LABEL - VALUE) * cost / longest)
    left = MARGIN + LABEL
    kind = "ours" if system.startswith("chatd") else "others"
    shown = f"{cost:.1f} µs" if cost < 10 else f"{cost:.0f} µs"
    return [
        _text(MARGIN, top + 13, system, ""),
        f'<rect class="{kind}" x="{left}" y="{top}" width="{length:.1f}" height="{BAR}" rx="3"/>',
        _text(left + round(length) + 8, top + 13, f"{shown} · {_rounded(rate):,}/s", ""),
    ]


def _rounded(rate: float) -> int:
    """To three digits: more would say more than was measured."""
    return int(float(f"{rate:.3g}"))


def _text(left: int, baseline: int, text: str, kind: str) -> str:
    return f'<text x="{left}" y="{baseline}"{f" class={kind!r}" if kind else ""}>{escape(text)}</text>'


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.chart",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("report", type=Path, nargs="?", default=FIGURES, help="what `--json FILE` wrote")
    parser.add_argument("--to", type=Path, default=CHART, metavar="FILE", help=f"default: {CHART.name}")
    given = parser.parse_args(arguments)
    try:
        report = json.loads(given.report.read_text())
        figures: Figures = report["figures"]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        parser.error(f"{given.report} is no report of `python -m tests.bench --json`: {exc}")
    given.to.write_text(draw(figures))
    print(given.to)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
