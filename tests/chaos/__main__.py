"""`make chaos SEED=… MINUTES=… DB=sqlite|postgres QUEUE=redis|nats|amqp|kafka`: the long part.
Prints what it did and the verdict; exits 1 on any violation."""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
from contextlib import ExitStack, nullcontext
from pathlib import Path

from tests.brokers import PROGRAMS, find, how_to_install, new_broker
from tests.chaos.daemon import DEFAULT_POINTS, GATEWAY_POINTS
from tests.chaos.report import Report
from tests.chaos.run import Run
from tests.databases import HOW_TO_INSTALL, Cluster, cluster


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--seed",
        type=int,
        default=random.randrange(2**31),
        help="what reproduces a run's choices; default: random",
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="how long faults go on (default 5)")
    parser.add_argument("--db", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--queue", choices=["zeromq", *PROGRAMS], default="zeromq")
    parser.add_argument(
        "--round", type=float, default=45.0, help="seconds of faults between two drains (default 45)"
    )
    parser.add_argument(
        "--pace", type=float, default=0.02, help="mean seconds between two sends of a sender (default 0.02)"
    )
    parser.add_argument(
        "--gap", type=float, default=0.5, help="mean seconds between two faults (default 0.5)"
    )
    parser.add_argument("--keep", type=Path, help="keep logs and histories in this folder")
    parser.add_argument("--curve", action="store_true", help="encrypt every connection")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser.parse_args()


def show(report: Report) -> None:
    print(f"seed {report.seed} on {report.engine}: {report.seconds:.0f} s, {report.rounds} rounds")
    print(f"  operations {report.operations:,}, acknowledged {report.acked:,}, unknown {report.unknown:,}")
    print(f"  acknowledged events checked {report.acked:,}, each on its devices: {report.checked:,}")
    print(f"  shown {report.shown:,}, of them repeats {report.repeats:,}, markers {report.markers:,}")
    named = ", ".join(report.lost_by_restore[:5])
    print(f"  lost by restored backups, as it must be: {len(report.lost_by_restore):,} ({named}, …)")
    print(f"  calls that change a membership or an invitation {report.changes:,}; invited {report.invited:,}")
    print(f"  devices that began later {report.begun:,}, rewound {report.rewound:,}")
    print("  faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(report.faults.items())))
    points = (*DEFAULT_POINTS, *GATEWAY_POINTS)
    print("  failpoints hit: " + ", ".join(f"{point} {report.failpoints[point]}" for point in points))
    print(
        f"  longest drain {report.longest_drain:.1f} s, not drained {report.undrained}, largest process "
        f"{report.max_rss / 2**20:.0f} MiB"
    )
    print(f"  deadlocks {report.deadlocks}")
    print("  verdict: " + ", ".join(f"{letter} {count}" for letter, count in report.verdicts.items()))
    for violation in report.violations:
        print(f"  {violation}")
    if not report.checked:
        print("  nothing was acknowledged: nothing was checked")
    if report.is_blind:
        print("  no restore has lost anything: the checker would not see it")
    print("passed" if report.passed else f"FAILED; again: make chaos SEED={report.seed} DB={report.engine}")


def main() -> int:
    options = arguments()
    random.seed(options.seed)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="chatd-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with cluster() if options.db == "postgres" else nullcontext() as running, ExitStack() as brokers:
            if options.db == "postgres" and running is None:
                print(HOW_TO_INSTALL, file=sys.stderr)
                return 2
            own: Cluster | None = running
            broker = None
            if options.queue != "zeromq":
                if find(options.queue) is None:
                    print(how_to_install(options.queue), file=sys.stderr)
                    return 2
                broker = brokers.enter_context(new_broker(options.queue, folder))
            run = Run(
                folder, options.db, own, seed=options.seed, pace=options.pace,
                say=lambda text: print(text, file=sys.stderr), keep_history=options.keep is not None,
                curve=options.curve, broker=broker, gap=options.gap,
            )  # fmt: skip
            report = asyncio.run(run.run(seconds=options.minutes * 60, round_seconds=options.round))
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(vars(report)))
    else:
        show(report)
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
