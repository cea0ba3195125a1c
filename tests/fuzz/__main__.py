"""`make fuzz`: search for minutes, target by target, each in a process of its own. With atheris the
search is guided by coverage, and keeps what it found in build/fuzz; where atheris has no package,
Hypothesis searches at random."""

import argparse
import importlib.util
import random
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.targets import MODULES, load

FOLDER = Path("build/fuzz")
MAX_INPUT = 4_096
COUNTED = re.compile(r"(?:number_of_executed_units:|inputs:) +(\d+)")


def guided(name: str, minutes: float, seed: int) -> None:
    """Ends the process: with 0 after its time, with a crash's file and traceback otherwise."""
    import atheris

    with atheris.instrument_imports():  # of what the target tries, for the first time
        target = load(name)
    corpus = FOLDER / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for title, data in target.seeds.items():
        (corpus / title).write_bytes(data[:MAX_INPUT])
    options = [
        f"-max_total_time={max(1, int(minutes * 60))}",
        f"-artifact_prefix={FOLDER / name}/",
        f"-max_len={MAX_INPUT}",
        "-timeout=20",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
        *[f"-seed={seed}"] * bool(seed),
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target.check)
    atheris.Fuzz()


def at_random(name: str, minutes: float, seed: int) -> None:
    """Raises what the shortest input found makes the target raise."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import seed as seeded

    from tests.fuzz.near import inputs

    target = load(name)
    end = time.monotonic() + minutes * 60
    number = seed or random.SystemRandom().randrange(1 << 32)
    tried = 0
    while time.monotonic() < end:
        print(f"seed {number}", flush=True)

        @seeded(number)
        @settings(max_examples=1_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(inputs(target.seeds.values()))
        def search(data: bytes) -> None:
            nonlocal tried
            tried += 1
            target.check(data)

        search()
        number += 1
    print(f"inputs: {tried}")


def each(names: list[str], minutes: float, arguments: list[str]) -> int:
    """Search for all targets together so long; how many have found something."""
    failed = 0
    counted = {}
    for name in names:
        print(f"fuzzing {name}", flush=True)
        command = [sys.executable, "-m", "tests.fuzz", "--target", name, "--alone", *arguments]
        with subprocess.Popen(
            [*command, "--minutes", str(minutes / len(names))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read()
        found = COUNTED.findall(said)
        counted[name] = f"{int(found[-1]):,} inputs" if found else "?"
        if process.returncode:
            failed += 1
            counted[name] += ", FOUND SOMETHING"
            print(said[-8_000:])
    for name, result in counted.items():
        print(f"{name:<10} {result}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--target", choices=MODULES, help="one of them; default: all, one after the other")
    parser.add_argument("--minutes", type=float, default=5.0, help="for all targets together")
    parser.add_argument("--seed", type=int, default=0, help="the same choices again; 0: any")
    parser.add_argument("--random", action="store_true", help="without atheris")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        is_guided = importlib.util.find_spec("atheris") is not None and not given.random
        (guided if is_guided else at_random)(given.target, given.minutes, given.seed)
        return 0
    arguments = [f"--seed={given.seed}", *["--random"] * given.random]
    return each([given.target] if given.target else list(MODULES), given.minutes, arguments)


if __name__ == "__main__":
    sys.exit(main())
