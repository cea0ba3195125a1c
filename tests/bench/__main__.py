"""Measures chatd, and what else is installed, with the same scenarios on the same cores. The load
tool runs on them too: its share is said.

Without names every scenario runs on chatd. Systems take turns, each run starts on nothing; medians
of the runs are shown as tables.
"""

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path

import uvloop
from rich.console import Console

from tests.bench.catalogue import OWN, PEERS, SHARED, SYSTEMS, Own, Shared
from tests.bench.chatd_subject import Chatd
from tests.bench.installed import missing
from tests.bench.report import BASELINE, Report, medians, print_changes, print_tables, regressions, to_json
from tests.bench.scenarios import Figures
from tests.bench.subject import Options, Subject


def run(subject: Subject, scenario: Shared | Own, options: Options, said: dict[str, str]) -> Figures:
    """One run on a system of its own. Raises FileNotFoundError when something is not installed."""
    with tempfile.TemporaryDirectory(prefix="chatd-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # some peers change their user
        settings = subject.start(Path(folder))
        said.setdefault(subject.name, settings)
        try:
            return uvloop.run(scenario.run(subject, options))  # type: ignore[arg-type]
        finally:
            subject.stop()


def run_shared(
    name: str, systems: list[str], repeat: int, options: Options, console: Console, said: dict[str, str]
) -> dict[str, Figures]:
    runs: dict[str, list[Figures]] = {}
    scenario = SHARED[name]
    wanted = [system for system in systems if system not in scenario.too_much_for]
    for number in range(repeat):
        for system in list(wanted):
            try:
                found = run(SYSTEMS[system](), scenario, options, said)
            except (FileNotFoundError, TimeoutError) as error:
                console.print(
                    f"{name}: {system} is left out: {error or 'it did not get ready in time'}",
                    markup=False,
                    highlight=False,
                )
                wanted.remove(system)
                continue
            runs.setdefault(system, []).append(found)
            console.print(
                f"{name}, {system}, run {number + 1} of {repeat}: {found['deliveries_per_second']:,.0f} deliveries/s, "
                f"{found['server_cpu_us_per_delivery']:.2f} µs",
                markup=False,
                highlight=False,
            )
    return {system: medians(found) for system, found in runs.items()}


def run_own(name: str, options: Options, console: Console, said: dict[str, str]) -> dict[str, Figures]:
    scenario = OWN[name]
    console.print(f"{name}: {scenario.about} …", markup=False, highlight=False)
    found: dict[str, Figures] = {}
    for system in scenario.systems or ("chatd",):
        subject = SYSTEMS[system]() if scenario.systems else _of_shape(scenario)
        try:
            found[system] = run(subject, scenario, options, said)
        except FileNotFoundError as error:
            console.print(f"{name}: {system} is left out: {error}", markup=False, highlight=False)
    return found


def _of_shape(scenario: Own) -> Chatd:
    return Chatd(
        gateways=scenario.gateways,
        encrypted=scenario.encrypted,
        users=scenario.users,
        wire=scenario.wire,
    )


def parse() -> argparse.Namespace:
    known = {name: one.about for name, one in SHARED.items()} | {name: one.about for name, one in OWN.items()}
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        epilog="scenarios:\n" + "\n".join(f"  {name:<16} {about}" for name, about in known.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="*", help="which to run; default: all")
    parser.add_argument(
        "--on",
        nargs="+",
        choices=list(SYSTEMS),
        default=["chatd"],
        metavar="SYSTEM",
        help=f"of {', '.join(SYSTEMS)}",
    )
    parser.add_argument(
        "--peers", action="store_true", help="on every system that is installed, and only what each can do"
    )
    parser.add_argument(
        "--repeat", type=int, default=5, help="runs of each shared scenario; medians are shown (default 5)"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="measured stretch of each run (default 5)")
    parser.add_argument("--body", type=int, default=200, help="bytes of each text (default 200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--save", action="store_true", help=f"make this the baseline ({BASELINE.name})")
    parser.add_argument(
        "--compare",
        action="store_true",
        help="compare with the baseline; exit code 1 if something is 30 %% worse",
    )
    arguments = parser.parse_args()
    unknown = [name for name in arguments.scenario if name not in known]
    if unknown:
        parser.error(f"no scenario {', '.join(unknown)}; there are {', '.join(known)}")
    faults = [] if arguments.peers else [fault for fault in map(missing, arguments.on) if fault]
    if faults:
        parser.error("; ".join(faults))
    if arguments.repeat < 1 or arguments.seconds <= 0 or arguments.body < 16:
        parser.error("--repeat is at least 1, --seconds more than 0, --body at least 16")
    return arguments


def _installed_peers(console: Console) -> list[str]:
    """The peers that can be started here; the others are named."""
    installed = []
    for system in PEERS:
        fault = missing(system)
        if fault:
            console.print(f"left out: {fault}", markup=False, highlight=False)
        else:
            installed.append(system)
    return installed


def main() -> int:
    arguments = parse()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (most, most)
    )  # a descriptor for each device, here and in each system
    console = Console(width=None if sys.stdout.isatty() else 120)
    options = Options(arguments.seconds, arguments.body)
    systems = _installed_peers(console) if arguments.peers else arguments.on
    names = arguments.scenario or ([*SHARED] if arguments.peers else [*SHARED, *OWN])
    said: dict[str, str] = {}
    report: Report = {}
    for name in names:
        if name in SHARED:
            report[name] = run_shared(name, systems, arguments.repeat, options, console, said)
        else:
            report[name] = run_own(name, options, console, said)
    for system, settings in said.items():
        console.print(f"\n{system} ({SYSTEMS[system]().promise}):", markup=False, highlight=False)
        console.print(
            "".join(f"  {line}\n" for line in settings.splitlines()), markup=False, highlight=False, end=""
        )
    print_tables(report, console)
    made = to_json(report, repeat=arguments.repeat, seconds=arguments.seconds, body=arguments.body)
    if arguments.json:
        arguments.json.write_text(made + "\n")
    if arguments.save:
        BASELINE.write_text(made + "\n")
    if arguments.compare:
        before = json.loads(BASELINE.read_text())["figures"]
        print_changes(before, report, console)
        worse = regressions(before, report)
        for line in worse:
            console.print(f"worse: {line}", markup=False, highlight=False)
        return 1 if worse else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
