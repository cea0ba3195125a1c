"""The example clients as commands; those whose toolchain is not installed are skipped."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "proto/examples"
NAMES = ("python", "node", "go", "c", "shell")


def command_of(name: str, folder: Path) -> list[str]:
    """The command of an example; what has to be built comes into the folder."""
    if name == "python":
        return [sys.executable, str(EXAMPLES / "python/client.py")]
    if name == "node":
        return [installed("node"), str(EXAMPLES / "node/client.js")]
    if name == "shell":
        installed("xxd")
        return [installed("bash"), str(EXAMPLES / "shell/client.sh")]
    client = str(folder / "client")
    if name == "go":
        for command in (["vet"], ["build", "-o", client]):
            subprocess.run([installed("go"), *command, "."], cwd=EXAMPLES / "go", check=True)
        return [client]
    sources = sorted(map(str, (EXAMPLES / "c").glob("*.c")))
    warnings = ["-Wall", "-Wextra", "-Wshadow", "-Werror"]
    subprocess.run([installed("cc"), "-std=gnu11", *warnings, "-o", client, *sources], check=True)
    return [client]


def installed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found
