"""``make machine-test``: installs chatd as systemd/README.md says on a Debian 12 that it boots, and
has it live through what happens in production. The outcome is a table."""

import argparse
import signal
import sys
import time
from pathlib import Path

from tests.systemd.machine import copies, life, mistakes, several
from tests.systemd.machine.machine import ROOT, Machine, missing

SCENES = (
    *life.SCENES,
    *several.SCENES[:2],
    *mistakes.SCENES[:-1],
    *copies.SCENES,
    mistakes.SCENES[-1],
    *several.SCENES[2:],
)


def stop(number: int, frame: object) -> None:
    """The machine is shut down first."""
    raise SystemExit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make machine-test", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "build/machine", help="keeps the base system")
    parser.add_argument(
        "--only", default="", help="the first scene and these, by parts of their names, with commas"
    )
    options = parser.parse_args()
    lacking = missing()
    if lacking:
        print(f"missing: {', '.join(lacking)}; apt-get install debootstrap systemd-container, and be root")
        return 2
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, stop)
    machine = Machine(options.folder.absolute())
    rows = ["| scene | expected | seen | s |", "|---|---|---|---|"]
    failed = 0
    try:
        machine.make()
        machine.boot()
        for number, (name, expected, scene) in enumerate(SCENES):
            if number and not any(part in name for part in options.only.split(",")):
                continue
            began = time.monotonic()
            try:
                seen = scene(machine)
            except (AssertionError, ValueError, IndexError, KeyError, StopIteration) as exc:
                failed += 1
                seen = f"**failed**: {type(exc).__name__} {exc}"
            seen = " ".join(seen.split()).replace("|", "\\|")[:2_000]
            rows.append(f"| {name} | {expected} | {seen} | {time.monotonic() - began:.0f} |")
            print(rows[-1], flush=True)
            if failed and not number:
                break
    finally:
        machine.shut_down()
        machine.remove()
    (options.folder / "outcome.md").write_text("\n".join(rows) + "\n")
    print(f"{len(rows) - 2 - failed} passed, {failed} failed; {options.folder}/outcome.md")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
