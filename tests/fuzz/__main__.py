"""`make fuzz`: search for minutes. With atheris the search is guided by coverage, and keeps what it
found in build/fuzz; where atheris has no package, Hypothesis searches at random."""

import argparse
import random
import sys
import time
from pathlib import Path

FOLDER = Path("build/fuzz/zmtp")


def guided(minutes: float, seed: int) -> None:
    """Ends the process: with 0 after its time, with a crash's file and traceback otherwise."""
    import atheris

    with atheris.instrument_imports():  # of both readers, for the first time
        from tests.fuzz.zmtp import SEEDS, check

    corpus = FOLDER / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in SEEDS.items():
        (corpus / name).write_bytes(data)
    options = [
        f"-max_total_time={int(minutes * 60)}",
        f"-artifact_prefix={FOLDER}/",
        "-max_len=2048",
        "-timeout=20",
        "-print_final_stats=1",
        *[f"-seed={seed}"] * bool(seed),
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], check)
    atheris.Fuzz()


def at_random(minutes: float, seed: int) -> None:
    """Raises AssertionError with the shortest input found on which the two readers differ."""
    from hypothesis import given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st

    from tests.fuzz.zmtp import SEEDS, check

    end = time.monotonic() + minutes * 60
    number = seed or random.SystemRandom().randrange(1 << 32)
    examples = 0
    while time.monotonic() < end:
        print(f"seed {number}, {examples} inputs so far", flush=True)

        @seeded(number)
        @settings(max_examples=5_000, deadline=None, database=None)
        @given(
            st.sampled_from(list(SEEDS.values())), st.binary(max_size=60), st.integers(0, 100), st.binary()
        )
        def search(start: bytes, put_in: bytes, place: int, after: bytes) -> None:
            nonlocal examples
            examples += 1
            check(start[:place] + put_in + start[place:] + after)

        search()
        number += 1
    print(f"{examples} inputs, no difference")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0, help="the same choices again; 0: any")
    parser.add_argument("--random", action="store_true", help="without atheris")
    given = parser.parse_args()
    try:
        import atheris  # noqa: F401
    except ImportError:
        given.random = True
    print(f"fuzzing chatd/core/zmtp/ for {given.minutes:g} min, {'at random' if given.random else 'guided'}")
    (at_random if given.random else guided)(given.minutes, given.seed)


if __name__ == "__main__":
    main()
