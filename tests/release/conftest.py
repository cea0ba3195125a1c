"""`make wheels`, once at a time: it leaves what it makes in the checkout's build/."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def _alone() -> Iterator[None]:
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "tests.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(target: str, **variables: str | Path) -> None:
    """Run make with the interpreter of the tests, as a user's shell would."""
    given = {"VENV": sys.prefix, "PYTHON": Path(sys.base_prefix, "bin/python3"), **variables}
    with _alone():
        done = subprocess.run(
            ["make", "--no-print-directory", target, *(f"{name}={value}" for name, value in given.items())],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={
                name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTHON"))
            },
        )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheels() -> Path:
    """The folder of the locked wheels that chatd itself needs."""
    make("wheels", EXTRAS="")
    return ROOT / "build" / "wheels" / "locked"
